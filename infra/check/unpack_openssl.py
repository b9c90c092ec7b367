"""Takes OpenSSL 1.1 out of a wheel and gives it the names under which .NET looks for it."""

import sys
import zipfile
from pathlib import Path

wheels, target = Path(sys.argv[1]), Path(sys.argv[2])
target.mkdir(parents=True)
with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
    for name in wheel.namelist():
        library = Path(name).name
        if library.startswith(("libssl-", "libcrypto-")):
            (target / library).write_bytes(wheel.read(name))  # they find each other by this name
            (target / f"{library.partition('-')[0]}.so.1.1").symlink_to(library)
