# The README's commands. Everything runs in .venv, which is made from requirements.txt.
PYTHON ?= python3
BIN := .venv/bin

NOTEBOOKS = $(wildcard book/*.ipynb book/assignments/*.ipynb) tools/proofs.ipynb

.PHONY: book site package test lint browser theorems coverage lighthouse mutants branches bench bench-peers bench-grading check-versions plain-sphinx lite links lab serve notebooks clean

book: .venv/ready
	$(BIN)/jupyter-book build . --all -n -W --keep-going
	$(BIN)/python tools/lite.py
	$(BIN)/python tools/colab.py
	$(BIN)/python tools/notices.py
	@echo "The book: $(CURDIR)/_build/html/index.html"

# the pages, and beside them the whole book as PDF and EPUB; executes nothing that is in the cache
site: .venv/ready
	rm -rf _build/epub
	$(BIN)/jupyter-book build . --all -n -W --keep-going --builder custom --custom-builder epub
	EDITIONS=1 $(MAKE) book
	$(BIN)/python tools/site.py

# nnlib as sdist and wheel, looked into and installed into a fresh environment
package: .venv/ready
	$(BIN)/python tools/package.py

theorems: .venv/ready
	$(BIN)/python -m nnlib.derivations

# every item of the sources: where the book covers it
coverage: .venv/ready
	$(BIN)/python tools/coverage_map.py

test: .venv/ready lint
	$(BIN)/python -m pytest -q -n 2 --ignore tests/browser tests nnlib
	# the digits first: they take longest
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --nbval -W default book/digits.ipynb $(filter-out book/digits.ipynb,$(NOTEBOOKS))
	$(MAKE) browser

# slips that ruff finds, and `mypy --strict` on all of nnlib: pyproject.toml says what is left out, and why
lint: .venv/ready
	$(BIN)/ruff check
	$(BIN)/mypy nnlib

# do the tests notice a mistake? nnlib's numerical modules with one thing changed at a time. An hour of a processor, so it is
# no part of CI and runs weekly. Some modules alone: make mutants MODULES="losses conv"
mutants: .venv/ready
	$(BIN)/python tools/mutants.py $(MODULES)

# which branches of nnlib no test takes; weekly, too, since the tests take twice as long while they are counted
branches: .venv/ready
	$(BIN)/python -m pytest -q -n 2 --cov --cov-report=term --ignore tests/browser tests nnlib

# the built pages in a real Chromium, the network cut, photographed into _build/photos; after `make book`. First, and
# alone, what is timed
browser: .venv/ready
	$(BIN)/python -m pytest -q -rs -m alone tests/browser
	$(BIN)/python -m pytest -q -rs -n 2 -m "not alone" tests/browser

# each page on a slow phone, after `make book`; a quiet machine and 15 minutes
lighthouse: .venv/ready
	$(BIN)/python tools/lighthouse.py

# how long 204 submissions take with two processes
bench-grading: .venv/ready
	$(BIN)/python tools/bench_grading.py

# nnlib against the frameworks in .venv-peers, if `make bench-peers` made it, and the curves of the page
# `cost`; a quiet machine and some minutes. Older OpenBLAS settings of the machine would slow NumPy down.
PEERS = $(or $(wildcard .venv-peers/bin/python),$(BIN)/python)
bench: .venv/ready
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(PEERS) tools/bench.py --json book/bench.json
	$(BIN)/python tools/costs.py --json book/costs.json
	$(BIN)/python tools/import_time.py

bench-peers: tools/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install -q -r tools/peers.txt

# other versions than the pinned ones, each set in an environment of its own; `make check-versions SETS=newest-3.13`
check-versions: .venv/ready
	$(BIN)/python tools/check_versions.py $(SETS)

# the same book by Sphinx 9 alone, from what `make book` has executed
plain-sphinx: book
	$(BIN)/python tools/plain_sphinx.py

# every chapter run to its end in the browser; needs the public web, for NumPy
lite: .venv/ready
	$(BIN)/python tools/lite.py
	$(BIN)/python tools/run_lite.py

# every link of the pages that leads to the public web
links: .venv/ready
	$(BIN)/jupyter-book build . --builder linkcheck

lab: .venv/ready
	$(BIN)/jupyter lab --notebook-dir book

serve: book
	$(BIN)/python -m http.server --directory _build/html 8000

# run every chapter and assignment and store it again, slim; shows what a change did to the stored outputs
notebooks: .venv/ready
	$(BIN)/python tools/notebooks.py $(NOTEBOOKS)

.venv/ready: requirements.txt constraints.txt pyproject.toml tools/vendor.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -r requirements.txt
	$(BIN)/python tools/vendor.py
	touch $@

clean:
	rm -rf _build .venv .venv-plain .venv-versions .venv-peers book/_vendor
