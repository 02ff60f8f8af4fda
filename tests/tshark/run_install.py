"""./install and ./install --remove, as a user who is not root: what is put where, and that exactly that goes again.

    run_install.py [PART ...]          words, failures, user, destdir, system

A copy of what was built is installed into a HOME and below a DESTDIR of the test's own; tshark must load it from there, and
read a sample with the profile. What the user changed, or had before, stays. In a root that is thrown away
(OUTLOOKHTTP_DISPOSABLE) it is installed for all users, too.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun

PARTS = "install", "tools/setup.sh", "tools/packages", "tools/saz2pcapng", "tools/archive", "build/plugins", "build/profile", "build/man"
SAMPLE = "legs-misrouted"
VERDICT = "rpch.routing.backend_mismatch"
LIST = ".local/share/outlookhttp/installed"


# A HAR of one exchange, as a browser's developer tools save it.
HAR = {"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": [{
    "startedDateTime": "2026-11-24T10:00:00.000Z", "time": 5, "serverIPAddress": "192.0.2.1", "connection": "1", "cache": {},
    "request": {"method": "GET", "url": "http://mail.example.test/rpc", "httpVersion": "HTTP/1.1", "cookies": [],
                "headers": [{"name": "Host", "value": "mail.example.test"}], "queryString": [], "headersSize": -1, "bodySize": 0},
    "response": {"status": 401, "statusText": "Unauthorized", "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
                 "content": {"size": 0, "mimeType": ""}, "redirectURL": "", "headersSize": -1, "bodySize": 0},
    "timings": {"send": 1, "wait": 3, "receive": 1}}]}}


class Place(wsrun.Tshark):
    """A copy of the project that nobody can read, and the folders that tshark names."""

    def __enter__(self):
        super().__enter__()
        build = self.plugin.parents[3]
        self.project = self.scratch / "project"
        for part in PARTS:
            source = build / pathlib.Path(part).relative_to("build") if part.startswith("build/") else wsrun.PROJECT / part
            target = self.project / part
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        for path in (self.project, *self.project.rglob("*")):
            path.chmod(0o755)
        self.env.pop("WIRESHARK_PLUGIN_DIR")
        self.folders = {}
        for line in self.output(["-G", "folders"]).splitlines():
            name, _, path = line.partition(":")
            self.folders.setdefault(name, pathlib.Path(path.strip()))
        return self

    def install(self, *args, env=None, root=False):
        """(exit status, all that was said)"""
        user = {} if root else self.user
        done = subprocess.run([self.project / "install", *args], cwd="/", env={**self.env, **(env or {})}, **user,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def write(self, path, text):
        """As the user, with the folders above."""
        for folder in reversed(path.parents):
            if folder.is_relative_to(self.home) and not folder.exists():
                folder.mkdir()
                self.own(folder)
        path.write_text(text, encoding="utf-8")
        self.own(path)

    def own(self, path):
        if self.user:
            os.chown(path, wsrun.NOBODY, wsrun.NOBODY)

    def listed(self, **kwargs):
        """Paths of the plugin as tshark lists it."""
        rows = [line.split("\t") for line in self.output(["-G", "plugins"], **kwargs).splitlines()]
        return [row[-1].strip() for row in rows if row[0].strip().startswith("outlookhttp.")]


def tree(folder):
    """[(path, digest of its content, or - for a folder)] of all below."""
    return sorted((str(path.relative_to(folder)), wsrun.sha256(path) if path.is_file() else "-") for path in folder.rglob("*"))


def check_words(counter, place):
    status, said = place.install("--help")
    counter.check(status == 0 and "--remove" in said and "--profile" in said, f"--help: {status}, {said}")
    for args in (["--what"], ["--user", "--system"]):
        status, said = place.install(*args)
        counter.check(status in (1, 2) and said.startswith("install: "), f"{args}: {status}, {said}")
    status, said = place.install("--remove")
    counter.check(status == 0 and "nothing is installed" in said, f"--remove of nothing: {status}, {said}")
    if os.geteuid() == 0:
        status, said = place.install("--user", "--no-build", root=True)
        counter.check(status == 1 and "root" in said and "--system" in said, f"--user as root: {status}, {said}")
    status, said = place.install("--user", "--no-build", env={"PATH": "/nowhere:/usr/sbin", "HOME": "/nowhere"})
    counter.check(status != 0, f"without any program: {status}, {said}")


def check_failures(counter, place):
    """What cannot be done is said, and leaves nothing."""
    before = tree(place.home)
    series = place.folders["Global Plugins"].name
    built = place.project / "build" / "plugins"
    (built / series).rename(built / "3.2")
    status, said = place.install("--user", "--no-build")
    counter.check(status == 1 and "for Wireshark 3.2" in said, f"a plugin for another version: {status}, {said}")
    (built / "3.2").rename(built / series)
    built.rename(place.scratch / "away")
    status, said = place.install("--user", "--no-build")
    counter.check(status == 1 and "nothing is built" in said, f"nothing built: {status}, {said}")
    (place.scratch / "away").rename(built)
    # HOME is somebody else's.
    if os.geteuid() == 0:
        sealed = place.scratch / "sealed"
        sealed.mkdir(mode=0o755)
        status, said = place.install("--user", "--no-build", env={"HOME": str(sealed)})
        counter.check(status == 1 and "cannot write" in said, f"a HOME that cannot be written: {status}, {said}")
        counter.equal(tree(sealed), [], "left in a HOME that cannot be written")
    counter.equal(tree(place.home), before, "left of what failed")


def check_converter(counter, place, data, command, extcap):
    """The converter finds its modules by both links, and leaves nothing beside them."""
    for link in filter(None, (command, extcap)):
        counter.check(link.is_symlink() and link.resolve().parent == data, f"{link} leads to {link.resolve()}, not into {data}")
    if extcap:
        said = place.output(["--extcap-interfaces"], program=str(extcap))
        counter.check("interface {value=fiddler}" in said, f"{extcap} --extcap-interfaces: {said}")
    place.write(place.home / "a.har", json.dumps(HAR))
    place.output([place.home / "a.har", place.home / "a.pcapng"], program=str(command))
    said = place.output(["-r", place.home / "a.pcapng", "-Y", "http.response.code == 401"])
    counter.check(said.strip(), "a HAR converted by the command has no response")
    for name in ("a.har", "a.pcapng"):
        (place.home / name).unlink()


def check_user(counter, place, options):
    plugins, profiles = place.folders["Personal Plugins"] / "epan", place.folders["Personal configuration"] / "profiles"
    place.write(place.home / "before", "the user's")
    place.write(profiles / "Mine" / "preferences", "# mine\n")
    before = tree(place.home)
    status, said = place.install("--user", "--no-build", "--profile")
    counter.equal(status, 0, f"--user --profile: {said}")
    counter.equal(place.listed(), [str(plugins / place.plugin.name)], "loaded")
    said = place.output([*options, "-C", "Outlook", "-Y", "outlook.verdict"])
    counter.check(VERDICT in said, f"no verdict in a column of the profile: {said}")
    extcap = place.folders.get("Personal Extcap path")
    check_converter(counter, place, place.home / ".local/share/outlookhttp", place.home / ".local/bin/saz2pcapng",
                    extcap and extcap / "saz2pcapng")
    first = tree(place.home)
    status, said = place.install("--user", "--no-build", "--profile")
    counter.equal(status, 0, f"the same again: {said}")
    counter.equal(sorted(set(tree(place.home)) ^ set(first)), [], "differs after the same again")
    # A file of an earlier version goes with the update; the user's profile is left alone.
    stale = plugins / "outlookhttp-old.txt"
    place.write(stale, "of before")
    listing = place.home / LIST
    place.write(listing, listing.read_text(encoding="utf-8") + f"file\t{wsrun.sha256(stale)}\t{stale}\n")
    place.write(profiles / "Outlook" / "preferences", "# my columns\n")
    place.write(profiles / "Outlook" / "recent", "# written by Wireshark\n")
    status, said = place.install("--user", "--no-build")
    counter.equal((status, stale.exists()), (0, False), f"a file of before the update: {said}")
    counter.equal((profiles / "Outlook" / "preferences").read_text(encoding="utf-8"), "# my columns\n", "an update changes a profile")
    status, said = place.install("--user", "--no-build", "--profile")
    kept = list(profiles.glob("Outlook before *"))
    counter.check(status == 0 and len(kept) == 1 and (kept[0] / "preferences").read_text(encoding="utf-8") == "# my columns\n",
                  f"a changed profile is kept beside: {said}, {kept}")
    counter.check("# my columns" not in (profiles / "Outlook" / "preferences").read_text(encoding="utf-8"), "no new profile")
    if kept:
        shutil.rmtree(kept[0])
    # Removal: the plugin at once; the profile when asked for, and only as it was installed.
    status, said = place.install("--remove")
    counter.check(status == 0 and "kept" in said and not place.listed(), f"--remove: {status}, {said}, {place.listed()}")
    counter.check((profiles / "Outlook" / "preferences").is_file(), "--remove takes the profile")
    place.write(profiles / "Outlook" / "dfilters", "\"my filter\" tcp\n")
    status, said = place.install("--remove", "--profile")
    counter.check((profiles / "Outlook" / "preferences").is_file() and "changed" in said, f"a changed profile is removed: {said}")
    (profiles / "Outlook" / "dfilters").unlink()
    place.write(profiles / "Outlook" / "recent", "# written by Wireshark\n")
    status, said = place.install("--remove", "--profile")
    counter.equal((status, tree(place.home)), (0, before), f"left after --remove --profile: {said}")
    # A plugin that is not as it was installed is not ours to remove.
    status, said = place.install("--user", "--no-build")
    place.write(plugins / place.plugin.name, "another")
    status, said = place.install("--remove")
    counter.check((plugins / place.plugin.name).is_file() and "changed since" in said, f"a changed plugin is removed: {said}")


def check_destdir(counter, place):
    dest = place.scratch / "dest"
    dest.mkdir()
    place.own(dest)
    status, said = place.install("--system", "--no-build", env={"DESTDIR": str(dest)})
    counter.equal(status, 0, f"--system below DESTDIR: {said}")
    data = place.folders["Global configuration"]
    for path in (place.folders["Global Plugins"] / "epan" / place.plugin.name, pathlib.Path("/usr/local/share/outlookhttp/saz2pcapng"), data / "profiles" / "Outlook" / "colorfilters",
                 pathlib.Path("/usr/local/share/man/man7/outlookhttp.7")):
        counter.check((dest / path.relative_to("/")).is_file(), f"{path} is not below DESTDIR")
    status, said = place.install("--remove", "--system", env={"DESTDIR": str(dest)})
    counter.equal((status, tree(dest)), (0, []), f"left below DESTDIR: {said}")


def check_system(counter, place):
    """For all users: only where the whole system is thrown away."""
    watched = [pathlib.Path(path) for path in ("/usr/lib", "/usr/share/wireshark", "/usr/local", "/usr/libexec", "/var/lib")]

    def files():
        return {str(path) for folder in watched if folder.is_dir() for path in folder.rglob("*")}
    before = files()
    for path in place.home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    options = common.samples(SAMPLE, kind=None)[0].options(place)
    status, said = place.install("--no-build", root=True)
    counter.check(status == 0 and "for all users" in said, f"as root: {status}, {said}")
    counter.equal(place.listed(), [str(place.folders["Global Plugins"] / "epan" / place.plugin.name)], "loaded by a user")
    counter.check(VERDICT in place.output([*options, "-T", "fields", "-e", "outlook.verdict"]), "no verdict for a user")
    extcap = place.folders.get("Global Extcap path") or place.folders["Extcap path"]
    check_converter(counter, place, pathlib.Path("/usr/local/share/outlookhttp"), pathlib.Path("/usr/local/bin/saz2pcapng"),
                    extcap / "saz2pcapng")
    status, said = place.install("--user", "--no-build")
    counter.check(status == 1 and "--remove --system" in said, f"--user beside --system: {status}, {said}")
    status, said = place.install("--remove", root=True)
    counter.equal((status, sorted(files() ^ before)), (0, []), f"left after --remove: {said}")


def main():
    arguments = common.Arguments()
    with Place() as place:
        theirs = place.folders["Global Plugins"] / "epan" / place.plugin.name
        if theirs.exists():
            print(f"SKIPPED: {theirs} is installed here, and ./install refuses a second copy")
            return 0
        options = common.samples(SAMPLE, kind=None)[0].options(place)
        parts = [common.Part("words", lambda counter: check_words(counter, place)),
                 common.Part("failures", lambda counter: check_failures(counter, place)),
                 common.Part("user", lambda counter: check_user(counter, place, options)),
                 common.Part("destdir", lambda counter: check_destdir(counter, place))]
        if os.environ.get("OUTLOOKHTTP_DISPOSABLE"):
            parts.append(common.Part("system", lambda counter: check_system(counter, place)))
        return common.run_parts(arguments.of(parts), at_once=1)


if __name__ == "__main__":
    sys.exit(main())
