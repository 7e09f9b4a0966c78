import io
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from cases import normal

import nnlib.files
from nnlib import Activation, Conv2d, Dense, Flatten, Network, dense_network, load, save


def rng():
    return np.random.default_rng(0)


NETWORKS = {
    "classes": lambda dtype: dense_network([3, 4, 2], rng(), "tanh", dtype=dtype),
    "no bias": lambda dtype: dense_network([3, 4, 4, 2], rng(), output="sigmoid", bias=False, dtype=dtype),
    "one layer": lambda dtype: dense_network([3, 1], rng(), output="identity", dtype=dtype),
    "conv": lambda dtype: Network([Conv2d.random(2, 3, 3, rng(), 1, dtype=dtype), Activation("relu"),
                                   Conv2d.random(3, 1, 2, rng(), bias=False, dtype=dtype), Flatten(),
                                   Dense.random(6, 2, rng(), dtype=dtype)], "softmax"),
}


def same(net, other):
    assert net.output == other.output
    assert [(type(a), getattr(a, "name", ""), getattr(a, "padding", 0)) for a in net.layers] == \
        [(type(a), getattr(a, "name", ""), getattr(a, "padding", 0)) for a in other.layers]
    assert list(net.parameters) == list(other.parameters)
    for name, a in net.parameters.items():
        assert a.dtype == other.parameters[name].dtype
        np.testing.assert_array_equal(a, other.parameters[name])
    return True


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_saved_is_loaded(name, dtype, tmp_path):
    net = NETWORKS[name](dtype)
    save(net, tmp_path / "net.npz")
    loaded = load(str(tmp_path / "net.npz"))
    same(net, loaded)
    X, = normal((5, 2, 3, 4) if name == "conv" else (5, 3))
    np.testing.assert_array_equal(net.predict_proba(X), loaded.predict_proba(X))
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


def test_the_file_is_an_archive_without_pickles(tmp_path):
    save(NETWORKS["conv"]("float32"), tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays.files} == {"U", "f"}
        assert sorted(arrays.files) == ["W1", "W2", "W3", "b1", "b3", "network"]


@pytest.fixture
def saved(tmp_path):
    net = dense_network([2, 1], rng(), output="sigmoid")
    save(net, tmp_path / "net.npz")
    return net, tmp_path / "net.npz"


def test_a_truncated_file_is_refused(saved):
    _, path = saved
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib, or is damaged"):
            load(path)


@pytest.mark.parametrize("flip", [0x01, 0xff])
def test_a_flipped_byte_is_refused_or_changes_nothing(saved, flip):
    net, path = saved
    content = path.read_bytes()
    refused = 0
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ flip]) + content[at + 1:])
        try:
            same(net, load(path))  # a date in the archive's directory, say
        except ValueError as error:
            assert "net.npz is not a network saved by nnlib, or is damaged" in str(error)
            refused += 1
    assert refused > 0.75 * len(content)


def archive(path, **arrays):
    np.savez(path, **arrays)


TEXT = {"format": "nnlib network 1", "output": "softmax",
        "layers": [{"kind": "Dense", "parameters": ["W", "b"]}, {"kind": "Activation", "parameters": [], "name": "relu"}]}
ARRAYS = {"W1": np.ones((3, 2)), "b1": np.ones(2)}


def test_the_archive_of_the_next_tests_is_good(tmp_path):
    archive(tmp_path / "net.npz", network=np.array(json.dumps(TEXT)), **ARRAYS)
    assert load(tmp_path / "net.npz").logits([[1.0, 1.0, 1.0]]).tolist() == [[4, 4]]


@pytest.mark.parametrize("text", [
    TEXT | {"format": "nnlib network 2"}, TEXT | {"output": "argmax"}, TEXT | {"layers": []}, TEXT | {"layers": 3},
    TEXT | {"layers": [{"kind": "Dense"}]}, TEXT | {"layers": [{"kind": "Tape", "parameters": ["W", "b"]}]},
    TEXT | {"layers": [{"kind": "Conv2d", "parameters": ["W", "b"], "padding": 0}]},
    TEXT | {"layers": [{"kind": "Dense", "parameters": ["W", "b"]}, {"kind": "Activation", "parameters": [], "name": "os.system"}]},
    {"format": "nnlib network 1"}, [], "text", None], ids=str)
def test_a_wrong_description_is_refused(text, tmp_path):
    archive(tmp_path / "net.npz", network=np.array(json.dumps(text)), **ARRAYS)
    with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib"):
        load(tmp_path / "net.npz")


@pytest.mark.parametrize("arrays", [
    {"W1": ARRAYS["W1"]}, ARRAYS | {"W2": np.ones((2, 2))}, ARRAYS | {"b1": np.ones(3)}, ARRAYS | {"W1": np.full((3, 2), np.nan)},
    ARRAYS | {"W1": np.array([["a", "b"]])}, ARRAYS | {"b1": np.array([{}, 1], dtype=object)}], ids=lambda arrays: str(sorted(arrays)))
def test_wrong_arrays_are_refused(arrays, tmp_path):
    archive(tmp_path / "net.npz", network=np.array(json.dumps(TEXT)), **arrays)
    with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib"):
        load(tmp_path / "net.npz")


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemError('code of the file was run')",)


def npy(value):
    buffer = io.BytesIO()
    np.save(buffer, value)
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"", b"W1 = 3\n", npy(np.ones(3)), npy(np.array([Evil()], dtype=object))],
                         ids=["empty", "text", "npy", "pickle"])
def test_foreign_files_are_refused(content, tmp_path):
    (tmp_path / "net.npz").write_bytes(content)
    with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib"):
        load(tmp_path / "net.npz")


def test_foreign_archives_are_refused(tmp_path):
    path = tmp_path / "net.npz"
    for write in (lambda: archive(path, x=np.ones(3)), lambda: archive(path, network=np.array([Evil()], dtype=object)),
                  lambda: archive(path, network=np.array("[" * 100_000)), lambda: archive(path, network=np.array("{"))):
        write()
        with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib"):
            load(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("network.npy", "not an array")
    with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib"):
        load(path)


def test_a_file_that_unpacks_to_too_much_is_refused(saved, monkeypatch):
    size = saved[1].stat().st_size  # what an archive unpacks to is less: it is not packed
    monkeypatch.setattr(nnlib.files, "LARGEST", size)
    with zipfile.ZipFile(saved[1], "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(2 * size))
    monkeypatch.setattr(nnlib.files, "LARGEST", saved[1].stat().st_size)
    with pytest.raises(ValueError, match=r"it unpacks to \d+ bytes, more than \d+"):
        load(saved[1])


def test_a_file_that_unpacks_to_the_largest_size_is_loaded(tmp_path, monkeypatch):
    net, path = Network([Dense(np.zeros((50, 40)), np.zeros(40))], "softmax"), tmp_path / "net.npz"
    save(net, path)
    with zipfile.ZipFile(path) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    size = sum(map(len, contents.values()))
    monkeypatch.setattr(nnlib.files, "LARGEST", size)
    same(net, load(path))
    monkeypatch.setattr(nnlib.files, "LARGEST", size - 1)
    with pytest.raises(ValueError, match=f"it unpacks to {size} bytes, more than {size - 1}"):
        load(path)


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["OSError", "KeyboardInterrupt"])
def test_a_write_that_fails_leaves_the_old_file(saved, monkeypatch, error):
    net, path = saved

    def half(file, **arrays):
        file.write(b"PK half of a file")
        raise error

    monkeypatch.setattr(nnlib.files.np, "savez", half)
    with pytest.raises(type(error)):
        save(dense_network([5, 5], rng()), path)
    same(net, load(path))
    assert [other.name for other in path.parent.iterdir()] == ["net.npz"]


def test_saving_replaces_an_older_file(saved):
    net = dense_network([4, 3, 2], rng())
    save(net, saved[1])
    same(net, load(saved[1]))


def test_missing_places(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "net.npz")
    with pytest.raises(FileNotFoundError):
        save(dense_network([2, 1], rng()), tmp_path / "nowhere" / "net.npz")
    with pytest.raises(OSError):
        load(tmp_path)


def test_only_a_network_is_saved(tmp_path):
    with pytest.raises(ValueError, match=r"^network must be a nnlib\.Network, but is 3$"):
        save(3, tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def test_a_layer_of_ones_own_cannot_be_saved(tmp_path):
    class Mine(Activation):
        pass

    with pytest.raises(ValueError, match="layers of type Mine cannot be saved"):
        save(Network([Mine("relu")], "identity"), tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


# --- the disk, the clock and bad intentions ---

@pytest.mark.parametrize("name, value", [("W1", np.nan), ("b2", np.inf)])
def test_what_load_would_refuse_is_not_saved(saved, name, value):
    net, path = saved
    spoiled = dense_network([2, 3, 1], rng())
    spoiled.parameters[name].flat[-1] = value
    with pytest.raises(ValueError, match=f"^{name} must be finite"):
        save(spoiled, path)
    same(net, load(path))
    assert [other.name for other in path.parent.iterdir()] == ["net.npz"]


SAVE = """
import signal, sys
import numpy as np
from nnlib import dense_network, save
path, limit = sys.argv[1], int(sys.argv[2])
nets = [dense_network([200, 100, 10], np.random.default_rng(seed)) for seed in range(3)]
if limit:
    import resource
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    save(nets[1], path)
print("ready", flush=True)
while True:
    for net in nets:
        save(net, path)
"""


if os.name == "posix":  # Windows has no modes of files and no limit of their size
    @pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
    def test_a_new_file_has_the_mode_that_the_umask_leaves_and_an_old_one_keeps_its_own(tmp_path, mask):
        before = os.umask(mask)
        try:
            for _ in range(2):
                save(dense_network([2, 1], rng()), tmp_path / "net.npz")
                assert stat.S_IMODE((tmp_path / "net.npz").stat().st_mode) == 0o666 & ~mask
            (tmp_path / "net.npz").chmod(0o640)
            save(dense_network([2, 1], rng()), tmp_path / "net.npz")
            assert stat.S_IMODE((tmp_path / "net.npz").stat().st_mode) == 0o640
        finally:
            os.umask(before)

    @pytest.mark.parametrize("limit", [1, 4096, 50_000])
    def test_a_full_disk_is_an_error_and_the_old_file_stays(saved, limit):
        net, path = saved
        result = subprocess.run([sys.executable, "-c", SAVE, path, str(limit)], capture_output=True, text=True)
        assert result.returncode == 1 and "OSError: [Errno 27] File too large" in result.stderr, result.stderr
        same(net, load(path))
        assert [other.name for other in path.parent.iterdir()] == ["net.npz"]


HALF = """
import io, sys, time
import numpy as np
from nnlib import dense_network, save
savez = np.savez

def half(file, **arrays):
    savez(whole := io.BytesIO(), **arrays)
    file.write(whole.getvalue()[:whole.tell() // 2])
    file.flush()
    print("half", flush=True)
    time.sleep(60)  # the test kills it here

np.savez = half
save(dense_network([200, 100, 10], np.random.default_rng(0)), sys.argv[1])
"""


def test_a_kill_in_the_middle_of_a_write_leaves_the_old_file(saved):
    net, path = saved
    before = path.read_bytes()
    with subprocess.Popen([sys.executable, "-c", HALF, path], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"half"
        process.kill()
    assert process.returncode == (-signal.SIGKILL if os.name == "posix" else 1)
    left, = (other for other in path.parent.iterdir() if other != path)
    assert left.suffix == ".tmp" and left.stat().st_size > 10_000  # what a killed write leaves is not taken for a network
    assert path.read_bytes() == before
    same(net, load(path))


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_file(saved):
    net, path = saved
    nets = [dense_network([200, 100, 10], np.random.default_rng(seed)) for seed in range(3)]
    found = set()
    for pause in np.random.default_rng(0).uniform(0, 0.05, 6):
        with subprocess.Popen([sys.executable, "-c", SAVE, path, "0"], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline().strip() == b"ready"
            time.sleep(pause)
            process.kill()
        loaded = load(path)
        found.update(n for n, other in enumerate([net, *nets]) if len(other.layers) == len(loaded.layers)
                     and all((a == loaded.parameters[key]).all() for key, a in other.parameters.items()))
    assert found
    left = [other for other in path.parent.iterdir() if other != path]
    assert all(other.name.endswith(".tmp") for other in left)
    for other in left:
        assert len(other.read_bytes()) <= len(path.read_bytes())


def bomb(path, lengths):
    """Write an archive of zeros, packed a thousandfold, whose directory states `lengths` for its entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, length in lengths.items():
            with file.open(name, "w") as entry:
                for _ in range(length >> 20):
                    entry.write(bytes(1 << 20))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    bomb(path, {f"W{n}.npy": 64 << 20 for n in range(4)})
    assert path.stat().st_size < 1 << 20
    monkeypatch.setattr(nnlib.files, "LARGEST", 200 << 20)
    with pytest.raises(ValueError, match=r"it unpacks to 268435456 bytes, more than 209715200"):
        load(path)


def test_a_zip_bomb_that_lies_about_its_length_is_refused(tmp_path):
    path = tmp_path / "net.npz"
    bomb(path, {"network.npy": 256 << 20})
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<L", 256 << 20), struct.pack("<L", 100)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib, or is damaged"):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_an_array_that_lies_about_its_length_is_refused(tmp_path):
    path = tmp_path / "net.npz"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 10), }"
    for rows in (10 ** 9, 10 ** 30):
        text = header % rows
        npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.ljust(117) + b"\n"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("network.npy", npy)
        with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib, or is damaged"):
            load(path)


def test_a_file_that_is_too_long_is_not_read_to_its_end(saved, monkeypatch):
    monkeypatch.setattr(nnlib.files, "LARGEST", 100)
    with pytest.raises(ValueError, match="it is longer than 100 bytes"):
        load(saved[1])


def test_a_pickle_in_disguise_is_not_opened(tmp_path):
    path = tmp_path / "net.npz"
    for name, value in {"network": np.array(Evil(), dtype=object), "W1": np.array([Evil()], dtype=object)}.items():
        archive(path, **({"network": np.array(json.dumps(TEXT)), **ARRAYS} | {name: value}))
        with pytest.raises(ValueError, match="net.npz is not a network saved by nnlib.*allow_pickle"):
            load(path)


def test_the_new_file_is_closed_before_it_takes_the_place(tmp_path, monkeypatch):
    """Windows moves no open file."""
    made = []
    monkeypatch.setattr(nnlib.files, "open", lambda *arguments: made.append(open(*arguments)) or made[-1], raising=False)
    monkeypatch.setattr(os, "replace", lambda old, new: made.append((old, made[0].closed)))
    save(dense_network([3, 2], rng()), tmp_path / "net.npz")
    file, (temporary, closed) = made
    assert closed and str(temporary) == file.name
