"""The paper's data arrive whole and right, or not at all, from a server on this machine."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from studies import write_study

from selfinterp_stats.errors import InputError, ServiceError
from selfinterp_stats.study import (
    fetch,
    fetch_paper_data,
    load_study,
    paper_data_folder,
    resume,
)
from selfinterp_stats.study.paper import BASE_URL, COMMIT, paper_hashes

FILES = {
    "scenarios.csv": b"scenario\n" + bytes(range(32, 127)) * 3_000,
    "b.csv": b"b" * 5_000,
    "c.jsonl": b"{}\n",
}
HASHES = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


@dataclass
class Server:
    """What the server does, and what it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)  # bytes sent before each cut
    status: list[int] = field(default_factory=list)  # answers before it serves
    wrong_start: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch):
    # A proxy of this machine must not be asked for a server on it.
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(resume, "_WAITS", (0.0, 0.0, 0.0))
    plan = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            name, asked = self.path.rpartition("/")[2], self.headers.get("Range")
            plan.asked.append((name, asked))
            if plan.status:
                return self.refuse(plan.status.pop(0))
            if name not in plan.files:
                return self.refuse(404)
            data, start = plan.files[name], 0
            if asked and plan.ranges:
                start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
                if start >= len(data):
                    return self.refuse(416, f"bytes */{len(data)}")
                start = start - 1 if plan.wrong_start else start
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            rest = data[start:]
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            if plan.cut_after:
                rest = rest[: plan.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(rest)
            return None

        def refuse(self, status, content_range=None):
            self.send_response(status)
            if content_range:
                self.send_header("Content-Range", content_range)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    plan.url = f"http://127.0.0.1:{http.server_port}/data"
    yield plan
    http.shutdown()
    http.server_close()
    thread.join()


def get(server, folder, **options):
    return fetch_paper_data(folder, base_url=server.url, hashes=HASHES, **options)


def holds_everything(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} == FILES


def test_all_files_arrive_and_progress_is_told(server, tmp_path):
    told = []
    folder = get(server, tmp_path / "new" / "data", progress=lambda *step: told.append(step))
    assert folder == tmp_path / "new" / "data"
    assert holds_everything(folder)
    assert told == [("scenarios.csv", 0, 3), ("b.csv", 1, 3), ("c.jsonl", 2, 3), ("", 3, 3)]
    assert server.asked == [(name, None) for name in FILES]


def test_what_is_there_and_right_is_not_fetched_again(server, tmp_path):
    get(server, tmp_path)
    (tmp_path / "b.csv").write_bytes(b"spoilt")
    (tmp_path / "c.jsonl").unlink()
    server.asked.clear()
    get(server, tmp_path)
    assert [name for name, _ in server.asked] == ["b.csv", "c.jsonl"]
    assert holds_everything(tmp_path)


def test_a_download_cut_off_goes_on_where_it_stopped(server, tmp_path):
    server.cut_after = [98_304, 8_192]
    get(server, tmp_path)
    assert [asked for name, asked in server.asked if name == "scenarios.csv"] == [
        None,
        "bytes=98304-",
        "bytes=106496-",
    ]
    assert holds_everything(tmp_path)


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(server, tmp_path):
    server.cut_after = [98_304, 0, 0, 0]
    with pytest.raises(ServiceError, match=r"scenarios\.csv could not be .* goes on where it") as e:
        get(server, tmp_path)
    assert e.value.exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["scenarios.csv.part"]
    server.asked.clear()
    get(server, tmp_path)
    assert server.asked[0] == ("scenarios.csv", "bytes=98304-")
    assert holds_everything(tmp_path)


def test_a_server_without_ranges_is_read_from_the_start(server, tmp_path):
    server.ranges = False
    server.cut_after = [98_304]
    get(server, tmp_path)
    assert [asked for name, asked in server.asked if name == "scenarios.csv"] == [
        None,
        "bytes=98304-",
    ]
    assert holds_everything(tmp_path)


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(server, tmp_path):
    server.ranges = False
    server.cut_after = [50_000, 100_000, 70_000, 100_000, 60_000, 10, 10]
    with pytest.raises(ServiceError, match="the connection broke off"):
        get(server, tmp_path)
    assert len(server.asked) == 5


def test_a_server_that_sends_another_part_is_asked_for_the_whole(server, tmp_path):
    server.cut_after = [98_304]
    server.wrong_start = True
    get(server, tmp_path)
    assert [asked for name, asked in server.asked if name == "scenarios.csv"] == [
        None,
        "bytes=98304-",
        None,
    ]
    assert holds_everything(tmp_path)


def test_a_part_that_is_already_whole_is_taken(server, tmp_path):
    (tmp_path / "b.csv.part").write_bytes(FILES["b.csv"])
    get(server, tmp_path)
    assert holds_everything(tmp_path)
    assert server.asked.count(("b.csv", "bytes=5000-")) == 1


@pytest.mark.parametrize("part", [b"x" * 9_000, b"x" * 5_000, b"x" * 100])
def test_a_part_that_is_wrong_is_thrown_away(server, tmp_path, part):
    (tmp_path / "b.csv.part").write_bytes(part)
    get(server, tmp_path)
    assert holds_everything(tmp_path)
    assert server.asked[-2] == ("b.csv", None)


def test_a_file_with_another_hash_is_refused_and_not_kept(server, tmp_path):
    server.files["b.csv"] = b"b" * 4_999 + b"B"
    with pytest.raises(ServiceError, match=rf"as sent by .* SHA-256 is not {HASHES['b.csv']}"):
        get(server, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["scenarios.csv"]
    assert server.asked.count(("b.csv", None)) == 1


def test_a_wrong_file_does_not_replace_an_older_one(server, tmp_path):
    (tmp_path / "b.csv").write_bytes(b"older")
    server.files["b.csv"] = b"wrong"
    with pytest.raises(ServiceError, match="It was not kept"):
        get(server, tmp_path)
    assert (tmp_path / "b.csv").read_bytes() == b"older"


def test_a_server_in_trouble_is_asked_again(server, tmp_path):
    server.status = [503, 429]
    get(server, tmp_path)
    assert holds_everything(tmp_path)


def test_a_file_that_is_not_there_is_refused_at_once(server, tmp_path):
    del server.files["b.csv"]
    with pytest.raises(ServiceError, match=r"b\.csv could not be .*the server answered 404"):
        get(server, tmp_path)
    assert server.asked.count(("b.csv", None)) == 1


def test_no_server_at_all_is_a_service_error(server, tmp_path):
    with pytest.raises(ServiceError, match=r"could not be reached \(Failed to est") as caught:
        fetch_paper_data(tmp_path, base_url="http://127.0.0.1:9/data", hashes=HASHES)
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: the data cannot be written: .*--dest"):
        get(server, tmp_path / "file")
    with pytest.raises(InputError, match="the data cannot be written: Not a directory"):
        get(server, tmp_path / "file" / "below")


def test_a_full_disk_is_told_and_leaves_what_came(server, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device", str(tmp_path))

    monkeypatch.setattr(resume, "_store", full)
    with pytest.raises(InputError, match="the data cannot be written: No space left on device"):
        get(server, tmp_path)


def test_the_papers_files_are_listed_by_name_and_hash():
    assert len(paper_hashes()) == 31
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in paper_hashes().values())
    assert {"scenarios.csv", "roles.csv", "candidate_scenarios.json"} <= set(paper_hashes())
    assert BASE_URL.endswith(f"/{COMMIT}/data/")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv(fetch.DATA_VARIABLE, raising=False)
    folder = tmp_path / "cache"
    monkeypatch.setattr(fetch, "default_destination", lambda: folder)
    return folder


def test_the_default_folder_is_the_named_one(cache, monkeypatch):
    monkeypatch.setenv(fetch.DATA_VARIABLE, "somewhere")
    assert paper_data_folder() == Path("somewhere")


def test_the_default_folder_is_the_fetched_copy_once_it_is_whole(cache):
    with pytest.raises(InputError, match=r"have not been fetched.*`selfinterp fetch`.*--data"):
        paper_data_folder()
    cache.mkdir()
    for name in list(paper_hashes())[1:]:
        (cache / name).touch()
    with pytest.raises(InputError, match="lacks 1 files"):
        paper_data_folder()
    (cache / next(iter(paper_hashes()))).touch()
    assert paper_data_folder() == cache


def test_a_study_without_a_folder_is_read_from_the_default_one(cache, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="have not been fetched"):
        load_study()
    named = write_study(tmp_path / "study")
    monkeypatch.setenv(fetch.DATA_VARIABLE, str(named))
    assert load_study().hashes == load_study(named).hashes
    assert load_study().source == str(named)


def test_the_default_destination_is_of_this_commit():
    assert fetch.default_destination().name == f"paper-data-{COMMIT[:12]}"


@pytest.mark.paper
def test_the_listed_hashes_are_those_of_the_released_files(paper_data):
    found = {
        name: hashlib.sha256((paper_data / name).read_bytes()).hexdigest()
        for name in paper_hashes()
    }
    assert found == paper_hashes()
