"""Writes the published conformance suites of Connect as the tests of the gateway read them:
`suites.json` of what is for servers, and `descriptors.bin` of their protos.

    python vendor.py CHECKOUT   # of github.com/connectrpc/conformance (Apache-2.0); needs buf and PyYAML
"""

import json
import pathlib
import subprocess
import sys

import yaml

here = pathlib.Path(__file__).parent
checkout = pathlib.Path(sys.argv[1])
suites = []
for file in sorted((checkout / "internal/app/connectconformance/testsuites/data").glob("*.yaml")):
    suite = yaml.safe_load(file.read_text())
    # What needs TLS is about the connection, which the tests of boot look at.
    if suite.get("mode") != "TEST_MODE_CLIENT" and not suite.get("reliesOnTls"):
        suites.append({"file": file.stem, **suite})
lines = ",\n".join(json.dumps(suite, separators=(",", ":")) for suite in suites)
(here / "suites.json").write_text(f"[{lines}]\n")
subprocess.run(
    ["buf", "build", checkout / "proto", "--exclude-source-info", "-o", here / "descriptors.bin#format=binpb"],
    check=True,
)
