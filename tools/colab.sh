#!/usr/bin/env bash
# What runs in Google Colab's image: nnlib on top of the packages that are there, its tests, two chapters.
set -euo pipefail
python3 -m pip install -q -e ".[derivations,progress]" pytest hypothesis nbval
python3 -m pytest -q --ignore nnlib/course nnlib tests/derivations tests/test_activations.py tests/test_linear.py \
  tests/test_conv.py tests/test_losses.py tests/test_network.py tests/test_training.py tests/test_lock.py
python3 -m pytest -q --nbval-lax -W default book/neuron.ipynb book/softmax.ipynb
