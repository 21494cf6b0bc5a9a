"""Follows every link of a site and writes what it has found to /tmp/report."""

import re
import sys
import urllib.request
from pathlib import Path

site = sys.argv[1]
waiting, seen, broken = ["/"], set(), []
while waiting:
    path = waiting.pop()
    if path in seen:
        continue
    seen.add(path)
    try:
        page = urllib.request.urlopen(site + path, timeout=10).read().decode()
    except OSError as error:
        broken.append(f"{path}: {error}")
        continue
    waiting += re.findall(r'href="(/[^"]*)"', page)
report = Path("/tmp/report")
report.mkdir(exist_ok=True)
(report / "links.txt").write_text("\n".join(sorted(seen)) + "\n")
print(f"{len(seen)} pages, {len(broken)} broken", *broken, sep="\n")
sys.exit(bool(broken))
