"""Save a network in one file, and load it again.

The file is a NumPy archive (.npz): the parameters, and a text in JSON that names the layers. It
holds no pickle, so loading a file runs no code of whoever made it.
"""
from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .checks import instance, reals
from .kinds import Array
from .layers import Activation, Conv2d, Dense, Flatten, Layer
from .network import Network

FORMAT = "nnlib network 1"
LARGEST = 2 ** 31  # bytes of parameters; a file that unpacks to more is refused


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write `network` to `path`; the file appears whole or not at all, and replaces an older one.

    Raises OSError where it cannot be written, and ValueError for a network that `load` would refuse: a
    parameter is no finite number, a layer is none of nnlib's. An older file is then left as it was.
    Source: S3-08.

    >>> from tempfile import TemporaryDirectory
    >>> from nnlib import dense_network
    >>> with TemporaryDirectory() as folder:
    ...     save(dense_network([3, 2], np.random.default_rng(0)), Path(folder) / "net.npz")
    ...     load(Path(folder) / "net.npz").parameters["W1"].shape
    (3, 2)
    """
    instance("network", network, Network, "a nnlib.Network")
    text = json.dumps({"format": FORMAT, "output": network.output,
                       "layers": [_description(layer) for layer in network.layers]})
    arrays: dict[str, Any] = {name: reals(name, array) for name, array in network.parameters.items()}
    with replacing(path) as file:
        np.savez(file, network=np.array(text), **arrays)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when the block ends, and only if it ends well.

    A process that is killed in the block leaves a file beside it, whose name ends with .tmp.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "note.txt"
    ...     with replacing(path) as file:
    ...         file.write(b"done"), path.exists()
    ...     path.read_bytes()
    (4, False)
    b'done'
    """
    path = Path(path)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    file = open(temporary, "xb")  # by this call its mode is what the umask leaves
    try:
        with file:
            if path.exists():
                shutil.copymode(path, temporary)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # closed before: Windows moves and removes no open file
    except BaseException:
        temporary.unlink()
        raise


def load(path: str | os.PathLike[str]) -> Network:
    """Return the network that `save` wrote to `path`.

    Raises ValueError for a file that is damaged, that something else wrote, or that is or unpacks to
    more than 2 GiB, and FileNotFoundError where there is none. Source: S3-08.

    >>> from tempfile import TemporaryDirectory
    >>> from nnlib import regression_network
    >>> with TemporaryDirectory() as folder:
    ...     save(regression_network(3, 5, 2, np.random.default_rng(0)), Path(folder) / "net.npz")
    ...     load(Path(folder) / "net.npz").output
    'identity'
    """
    path = Path(path)
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is not a network saved by nnlib: it is longer than {LARGEST} bytes")
    content = io.BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(content) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST:
            raise ValueError(f"it unpacks to {size} bytes, more than {LARGEST}")
        with np.load(content, allow_pickle=False) as arrays:
            text = json.loads(str(arrays["network"]))
            if text["format"] != FORMAT:
                raise ValueError(f"its format is {text['format']!r}, expected {FORMAT!r}")
            network = Network(_layers(text["layers"], arrays), text["output"])
            stored = set(arrays.files) - {"network"}
        if stored != set(network.parameters):
            raise ValueError(f"it holds the arrays {sorted(stored)}, expected {sorted(network.parameters)}")
        return network
    except Exception as error:  # the content is anybody's, and the readers of zip raise much
        raise ValueError(f"{path} is not a network saved by nnlib, or is damaged: {error}") from error


def _description(layer: Layer) -> dict[str, object]:
    kind = type(layer).__name__
    if kind not in ("Dense", "Conv2d", "Flatten", "Activation"):
        raise ValueError(f"layers of type {kind} cannot be saved")
    extra = {"Conv2d": "padding", "Activation": "name"}.get(kind)
    return {"kind": kind, "parameters": sorted(layer.parameters)} | ({extra: getattr(layer, extra)} if extra else {})


def _layers(descriptions: list[dict[str, Any]], arrays: Mapping[str, Array]) -> list[Layer]:
    layers: list[Layer] = []
    number = 0
    for text in descriptions:
        number += bool(text["parameters"])
        parameters = {name: arrays[name + str(number)] for name in text["parameters"]}
        if text["kind"] == "Dense":
            layers.append(Dense(**parameters))
        elif text["kind"] == "Conv2d":
            layers.append(Conv2d(**parameters, padding=text["padding"]))
        elif text["kind"] == "Activation":
            layers.append(Activation(text["name"]))
        elif text["kind"] == "Flatten":
            layers.append(Flatten())
        else:
            raise ValueError(f"it names an unknown layer {text['kind']!r}")
    return layers
