#!/usr/bin/env python3
"""The licences of all crates that are in the binary, with their texts: what a package has to say of them.

Reads `cargo metadata` and the sources that cargo has fetched. Texts that several crates share word for word are there once.
"""
import collections
import hashlib
import json
import pathlib
import subprocess

NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")


def crates():
    """Those of other people that are linked, by name and version."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--offline", "--filter-platform=x86_64-unknown-linux-gnu"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    reached, ahead = set(), list(metadata["workspace_members"])
    while ahead:
        identifier = ahead.pop()
        if identifier in reached:
            continue
        reached.add(identifier)
        for dependency in nodes[identifier]["deps"]:
            # Neither what only tests nor what only the build needs.
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                ahead.append(dependency["pkg"])
    others = [packages[identifier] for identifier in reached if packages[identifier]["source"]]
    return sorted(others, key=lambda package: (package["name"], package["version"]))


def texts(package):
    """What its source has of licences."""
    directory = pathlib.Path(package["manifest_path"]).parent
    files = [file for file in sorted(directory.iterdir()) if file.is_file() and file.name.upper().startswith(NAMES)]
    return [file.read_text(errors="replace").strip() for file in files]


def main():
    print("cloudbox is made with these crates, each under the licence that stands behind it. Their texts follow.\n")
    users, text_of = collections.defaultdict(list), {}
    for package in crates():
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license'] or 'see its text'}, {package['repository'] or package['homepage'] or 'crates.io'}")
        for text in texts(package):
            key = hashlib.sha256(" ".join(text.split()).encode()).digest()
            text_of.setdefault(key, text)
            users[key].append(name)
    for key, text in text_of.items():
        print(f"\n{'=' * 100}\n{', '.join(users[key])}\n{'-' * 100}\n{text}")


if __name__ == "__main__":
    main()
