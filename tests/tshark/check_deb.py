"""The package: what is in it, what it asks for, and that it works where it is installed.

    check_deb.py [--root FOLDER | --here]

CPack makes a .deb of what was built; cmake/Zip.cmake a zip laid out as Wireshark's personal folder. --root: the .deb is installed in that
root, which has tshark and nothing of this project; a user there reads a sample with it, and with its removal all of it goes.
--here: the same in the system that this runs in, which must be one that is thrown away (OUTLOOKHTTP_DISPOSABLE).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun

NAME = "wireshark-outlookhttp"
SAMPLE = "legs-misrouted"
VERDICT = "rpch.routing.backend_mismatch"
DOCUMENTS = "README.md", "docs/verdicts.md", "docs/user-guide.md", "docs/images/packet-list.png", "copyright", "changelog.gz", "changelog.Debian.gz"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/nonexistent"}


def run(*args, **kwargs):
    """(exit status, all that was said)"""
    done = subprocess.run([*map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **kwargs)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def build_folder():
    return pathlib.Path(os.environ.get("OUTLOOKHTTP_BUILD") or wsrun.PROJECT / "build")


def pack(counter, build, scratch, kind, suffix):
    """What CPack made of a build folder."""
    status, said = run("cpack", "--config", build / "CPackConfig.cmake", "-G", kind, "-B", scratch / kind, cwd=build)
    made = sorted((scratch / kind).glob(f"*{suffix}"))
    counter.check(status == 0 and len(made) == 1, f"cpack -G {kind}: {status}, {made}, {said[-600:]}")
    return made[0] if len(made) == 1 else None


def libraries(plugin):
    """SONAMEs that the module needs, as Debian calls the packages: libwireshark.so.16 is in libwireshark16."""
    _, said = run("readelf", "-d", plugin)
    return [f"{name}{number}" for name, number in re.findall(r"\[(libwireshark|libwsutil|libwiretap)\.so\.(\d+)\]", said)]


def check_deb(counter, package, scratch):
    status, said = run("dpkg-deb", "--field", package)
    fields = dict(line.split(": ", 1) for line in said.splitlines() if re.match(r"[A-Z][\w-]*: ", line))
    depends = re.findall(r"([\w.+-]+) ?(?:\(([^)]*)\))?", fields.get("Depends", ""))
    wanted = libraries(next(build_folder().glob("plugins/*/epan/outlookhttp.so")))
    counter.check(any(name.startswith("libwireshark") for name in wanted), f"the module needs {wanted}")
    for library in wanted:
        counter.check(any(re.fullmatch(f"{library}(t64)?", name) for name, _ in depends), f"{library} is not in Depends: {depends}")
    counter.equal(fields.get("Recommends"), "tshark | wireshark, python3", "Recommends")
    version = re.search(r"VERSION (\d[\d.]*)\)", (wsrun.PROJECT / "plugin" / "version.cmake").read_text(encoding="utf-8"))[1]
    series = next(build_folder().glob("plugins/*")).name
    counter.equal(fields.get("Version"), f"{version}-1~wireshark{series}", "Version")
    tree = scratch / "tree"
    status, said = run("dpkg-deb", "-x", package, tree)
    counter.equal(status, 0, f"dpkg-deb -x: {said}")
    there = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    documents = f"usr/share/doc/{NAME}/"
    for path in [f"usr/share/wireshark/profiles/Outlook/{name}" for name in ("colorfilters", "preferences", "dfilter_buttons")] + [
            documents + name for name in DOCUMENTS] + ["usr/share/man/man7/outlookhttp.7.gz"]:
        counter.check(path in there, f"{path} is not in the package")
    links = [path for path in tree.rglob("*") if path.is_symlink()]
    counter.equal(sorted(path.parent.name for path in links), ["bin", "extcap"], "places of links")
    for path in links:
        counter.check(path.exists() and path.resolve() == tree / "usr/share/wireshark-outlookhttp/saz2pcapng" and os.access(path, os.X_OK),
                      f"{path.relative_to(tree)} leads to {os.readlink(path)}")
    plugins = [path for path in there if path.endswith("/outlookhttp.so")]
    counter.check(len(plugins) == 1 and re.fullmatch(rf"usr/lib/.*/wireshark/plugins/{re.escape(series)}/epan/outlookhttp\.so", plugins[0]),
                  f"plugins of the package: {plugins}")
    if plugins:
        counter.check(".debug_info" not in run("readelf", "-S", tree / plugins[0])[1], "the module is not stripped")
    modes = {oct(path.stat().st_mode & 0o7777) for path in tree.rglob("*") if path.is_dir()}
    counter.equal(modes, {"0o755"}, "modes of folders")
    # Links lead to what is there, or to what only a checkout has.
    for name in sorted(there):
        if name.startswith(documents) and name.endswith(".md"):
            for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", (tree / name).read_text(encoding="utf-8")):
                path = (tree / name).parent / target
                counter.check(path.exists() or re.search(r"\b(test-captures|bench)\b", target), f"{name} links to {target}, "
                                                                                             f"which is not in the package")
    if shutil.which("man"):
        done = subprocess.run(["man", "--warnings", "-l", tree / "usr/share/man/man7/outlookhttp.7.gz"], capture_output=True,
                              text=True, env={**os.environ, "MANPAGER": "cat", "MANWIDTH": "100"}, check=False)
        counter.check(done.returncode == 0 and not done.stderr and version in done.stdout,
                      f"man --warnings: {done.returncode}, {done.stderr[:600]}")


def check_zip(counter, scratch):
    """As Windows and macOS get it: the script needs no configured build."""
    module = next(build_folder().glob("plugins/*/epan/outlookhttp.so"))
    series, archive = module.parts[-3], scratch / "outlookhttp.zip"
    script = ["-P", wsrun.PROJECT / "cmake" / "Zip.cmake"]
    status, said = run("cmake", f"-DSERIES={series}", f"-DOUT={archive}", *script)
    counter.check(status != 0 and "MODULE" in said and not archive.exists(), f"without a module: {status}, {said}")
    status, said = run("cmake", f"-DMODULE={module}", f"-DSERIES={series}", f"-DOUT={archive}",
                       "-DCOLORFILTERS=/usr/share/wireshark/colorfilters", *script)
    if not counter.check(status == 0 and archive.exists(), f"cmake -P cmake/Zip.cmake: {status}, {said}"):
        return
    with zipfile.ZipFile(archive) as packed:
        names = set(packed.namelist())
        for name in (f"plugins/{series}/epan/outlookhttp.so", "outlookhttp/README.md", "outlookhttp/COPYING",
                     "extcap/saz2pcapng.bat", "extcap/archive/saz.py", "outlookhttp/docs/user-guide.md", "outlookhttp/docs/images/packet-list.png"):
            counter.check(name in names, f"{name} is not in the zip: {sorted(names)}")
        for path in (build_folder() / "profile" / "Outlook").iterdir():
            name = f"profiles/Outlook/{path.name}"
            counter.check(name in names and packed.read(name) == path.read_bytes(), f"{name} of the zip is another than the built one")


def files(root):
    """All files below the folders that packages write to, but for what dpkg and caches keep of their own."""
    found = set()
    for folder in ("usr", "etc", "opt", "var/lib/wireshark"):
        for path in (root / folder).rglob("*"):
            found.add(str(path.relative_to(root)))
    return {path for path in found if "/cache/" not in path and not path.endswith((".pyc", "__pycache__"))}


def check_installed(counter, package, root):
    """As root installs it, and as a user has it then."""
    def inside(*args, user=None):
        command = [*map(str, args)]
        if root != pathlib.Path("/"):
            command = ["chroot", *([f"--userspec={user}:{user}"] if user else []), str(root), *command]
            return run(*command, env=ENVIRONMENT, cwd="/")
        return run(*command, env=ENVIRONMENT, cwd="/", **({"user": user, "group": user, "extra_groups": []} if user else {}))

    before = files(root)
    held = root / "tmp" / package.name
    shutil.copy(package, held)
    capture = root / "tmp" / "outlookhttp-sample.pcapng"
    shutil.copy(common.samples(SAMPLE, kind=None)[0].path, capture)
    capture.chmod(0o644)
    try:
        status, said = inside("dpkg", "--install", f"/tmp/{package.name}")
        counter.equal(status, 0, f"dpkg --install: {said}")
        read = "tshark", "-n", "-r", "/tmp/outlookhttp-sample.pcapng", "-T", "fields", "-e", "outlook.verdict"
        for user in (wsrun.NOBODY, None):
            status, said = inside(*read, user=user)
            counter.check(status == 0 and VERDICT in said, f"user {user} reads a sample: {status}, {said}")
        status, said = inside("tshark", "-q", "-n", "-r", "/tmp/outlookhttp-sample.pcapng", "-z", "rpch,connections", user=wsrun.NOBODY)
        counter.check(status == 0 and "backend_mismatch" in said, f"-z rpch,connections: {status}, {said}")
        if (root / "usr/bin/python3").exists():
            status, said = inside("saz2pcapng", "--extcap-interfaces", user=wsrun.NOBODY)
            counter.check(status == 0 and "value=fiddler" in said, f"saz2pcapng --extcap-interfaces: {status}, {said}")
        status, said = inside("dpkg", "--purge", NAME)
        counter.equal(status, 0, f"dpkg --purge: {said}")
        status, said = inside(*read, user=wsrun.NOBODY)
        counter.check(status != 0, f"after removal the plugin is still there: {said}")
        counter.equal(sorted(files(root) ^ before), [], "left after removal")
    finally:
        held.unlink()
        capture.unlink()


def main():
    args = sys.argv[1:]
    root = pathlib.Path(args[1]).resolve() if len(args) == 2 and args[0] == "--root" else pathlib.Path("/") if args == ["--here"] else None
    if args and (root is None or not root.is_dir()):
        sys.exit(__doc__)
    if args == ["--here"] and not os.environ.get("OUTLOOKHTTP_DISPOSABLE"):
        sys.exit("--here is for a root that is thrown away")
    if not shutil.which("dpkg-shlibdeps") or not shutil.which("cpack"):
        sys.exit("dpkg-dev and cmake are needed")
    counter = common.Counter("package")
    with tempfile.TemporaryDirectory(prefix="outlookhttp.") as folder:
        scratch = pathlib.Path(folder)
        package = pack(counter, build_folder(), scratch, "DEB", ".deb")
        if package:
            check_deb(counter, package, scratch)
            if root:
                check_installed(counter, package, root)
        if not args:
            check_zip(counter, scratch)
    print("\n".join(counter.failures))
    return common.total([counter])


if __name__ == "__main__":
    sys.exit(main())
