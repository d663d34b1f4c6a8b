#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Keeps the layers: arrows between targets point down only.

    scripts/check-layers.py [MANIFEST.json]      the output of `swift package dump-package`, which is run if not given

Read are the manifest and the import lines of every source file; ARCHITECTURE.md draws the picture.
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# From the bottom up, above the C modules. A target may depend on lower layers only, never on its own.
LAYERS = [
    {"Voxels", "RowKernels", "RowKernelsV3", "HTTP1", "VolumeNames"},
    {"Downsampling", "ChunkCodecs", "Volumes", "UV", "Workers", "Configuration"},
    {"HTTPServer", "Origins"},
    {"PyramidService"},
    {"pyramidion"},
]
TRANSPORT = {"HTTP1", "UV", "HTTPServer", "Origins"}
DATA = {"Voxels", "RowKernels", "RowKernelsV3", "Downsampling", "ChunkCodecs", "Volumes"}
SEES_BOTH = {"PyramidService", "pyramidion"}
# Pure targets, and the modules that one of them may see after all.
PURE = {"Voxels": set(), "Downsampling": {"CHost"}, "HTTP1": set(), "VolumeNames": set(), "Volumes": {"FoundationEssentials"}}
PLATFORM = {"Glibc", "Musl", "Darwin", "Dispatch", "Foundation", "FoundationEssentials"}
# What the names of C modules look like.
C_MODULE = re.compile(r"C[A-Z]")
# Too heavy for anything here: FoundationEssentials has what is needed.
BANNED = {"Foundation", "FoundationNetworking", "FoundationInternationalization"}

IMPORT = re.compile(
    r"^\s*(?:@[\w.]+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias|actor)\s+)?([A-Za-z_]\w*)",
    re.MULTILINE,
)


def imports_of(source):
    """The modules that a Swift source imports; comments do not count."""
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    return set(IMPORT.findall(source))


def declared(target):
    """Names of what a target of the manifest depends on, targets and products alike."""
    names = set()
    for dependency in target["dependencies"]:
        for kind in ("byName", "target", "product"):
            if kind in dependency:
                names.add(dependency[kind][0])
    return names


def violations(targets, imports):
    """
    What breaks the rules, one sentence each.

    targets   the manifest's targets
    imports   {target: {module: a file that imports it}}
    """
    found = []
    shipped = {t["name"]: t for t in targets if t["type"] != "test"}
    c_modules = {name for name in shipped if C_MODULE.match(name)}
    rank = {name: i for i, layer in enumerate([c_modules, *LAYERS]) for name in layer}

    for name in sorted(shipped):
        if name not in rank:
            found.append(f"{name} has no place in LAYERS of scripts/check-layers.py: give it one.")
    for name, target in sorted(shipped.items()):
        ours = declared(target) & set(shipped)
        used = imports.get(name, {})
        for module, file in sorted(used.items()):
            if module in shipped and module != name and module not in ours:
                found.append(f"{file} imports {module}, which Package.swift does not list for {name}.")
            if module in BANNED:
                found.append(f"{file} imports {module}: nothing here does; FoundationEssentials is enough.")
        arrows = ours | (set(used) & set(shipped) - {name})
        for other in sorted(arrows):
            if rank.get(other, -1) >= rank.get(name, len(LAYERS) + 1):
                found.append(f"{name} depends on {other}, which is not below it.")
            for half, rest in ((TRANSPORT, DATA), (DATA, TRANSPORT)):
                if name in half and other in rest:
                    found.append(f"{name} depends on {other}: transport and data never meet below PyramidService.")
        if arrows & TRANSPORT and arrows & DATA and name not in SEES_BOTH:
            found.append(f"{name} sees transport and data: only {' and '.join(sorted(SEES_BOTH))} may.")
        if name in PURE:
            seen = (arrows | set(used)) & (PLATFORM | c_modules) - PURE[name]
            for module in sorted(seen):
                found.append(f"{name} uses {module}: it is pure, without platform and C modules.")
    for module in sorted(c_modules):
        users = sorted(
            # RowKernelsV3 is RowKernels once more, compiled for other machines.
            n for n, t in shipped.items() if n not in (module, "RowKernelsV3") and (module in declared(t) or module in imports.get(n, {}))
        )
        if len(users) > 1:
            found.append(f"{module} is used by {', '.join(users)}: one target wraps a C module.")
    return found


def dump_package(root):
    """The manifest; in a folder of its own, so that it waits for no build."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["swift", "package", "--scratch-path", scratch, "dump-package"]
        return json.loads(subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout)


def imports_under(sources, names):
    """What the files of each target import; a target that is a symbolic link is followed."""
    result = {}
    for name in names:
        modules = result.setdefault(name, {})
        for path in sorted((sources / name).resolve().rglob("*.swift")):
            for module in imports_of(path.read_text(encoding="utf-8")):
                modules.setdefault(module, f"Sources/{name}/{path.name}")
    return result


def main():
    root = Path(__file__).resolve().parent.parent
    if len(sys.argv) > 1:
        manifest = json.loads(Path(sys.argv[1]).read_text())
    else:
        manifest = dump_package(root)
    names = [t["name"] for t in manifest["targets"] if t["type"] != "test"]
    found = violations(manifest["targets"], imports_under(root / "Sources", names))
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print(f"Layers: {len(names)} targets, every arrow points down.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
