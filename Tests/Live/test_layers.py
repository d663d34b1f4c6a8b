# SPDX-License-Identifier: Apache-2.0
"""The layers' arrows point down, and the check that says so notices each kind of arrow that does not."""
import copy
import importlib.util

import pytest

from support.process import ROOT

SPEC = importlib.util.spec_from_file_location("check_layers", ROOT / "scripts/check-layers.py")
check_layers = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check_layers)


@pytest.fixture(scope="module")
def package():
    targets = check_layers.dump_package(ROOT)["targets"]
    return targets, check_layers.imports_under(ROOT / "Sources", [t["name"] for t in targets if t["type"] != "test"])


def test_every_arrow_points_down(package):
    assert check_layers.violations(*package) == []


@pytest.mark.parametrize("target,module,words", [
    ("HTTP1", "UV", "not below"),
    ("Voxels", "Downsampling", "not below"),
    ("Downsampling", "ChunkCodecs", "not below"),
    ("UV", "Voxels", "never meet"),
    ("HTTPServer", "Downsampling", "never meet"),
    ("Workers", "CZlib", "one target wraps"),
    ("PyramidService", "CUV", "one target wraps"),
    ("Downsampling", "CZlib", "pure"),
])
def test_a_wrong_arrow_is_noticed(target, module, words, package):
    targets, imports = copy.deepcopy(package)
    next(t for t in targets if t["name"] == target)["dependencies"].append({"byName": [module, None]})
    assert any(words in sentence for sentence in check_layers.violations(targets, imports))


@pytest.mark.parametrize("target,module,words", [
    ("HTTP1", "Glibc", "pure"),
    ("Downsampling", "Dispatch", "pure"),
    ("Voxels", "UV", "does not list"),
    ("Workers", "Foundation", "FoundationEssentials"),
])
def test_a_wrong_import_is_noticed(target, module, words, package):
    targets, imports = copy.deepcopy(package)
    imports[target][module] = f"Sources/{target}/Some.swift"
    assert any(words in sentence for sentence in check_layers.violations(targets, imports))


def test_a_new_target_needs_a_place(package):
    targets, imports = copy.deepcopy(package)
    targets.append({"name": "Elsewhere", "type": "regular", "dependencies": []})
    assert any("no place" in sentence for sentence in check_layers.violations(targets, imports))


def test_imports_are_read_as_they_are_written():
    source = """
    import A
    package import B
    @preconcurrency internal import C
    @_spi(X) public import struct D.E
    // import F
    /* import G
    import H */
        import func I.j
    let important = 1
    """
    assert check_layers.imports_of(source) == {"A", "B", "C", "D", "I"}
