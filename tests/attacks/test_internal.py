"""A sandbox whose network is internal does not reach this machine: by no address, and by no frame of its own."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.attacks.test_binds import nexusctl

pytestmark = pytest.mark.engine

CONNECT = r"""
use IO::Socket::IP;
my ($host, $port) = @ARGV;
my $socket = IO::Socket::IP->new(PeerHost => "$host%eth0", PeerPort => $port, Timeout => 3) or die "refused: $@ $!\n";
print "connected\n";
"""

FRAME = r"""
# UDP over IPv6 in an Ethernet frame that no kernel has looked at.
use Socket qw(inet_pton AF_INET6);
my ($host, $port, $mac) = @ARGV;
my ($from, $to) = map { inet_pton(AF_INET6, $_) } "fe80::dead", $host;
my $text = "through";
my $length = 8 + length $text;
my $sum = 0;
my $pseudo = $from . $to . pack("NN", $length, 17) . pack("nnnn", 4444, $port, $length, 0) . $text;
$sum += $_ for unpack("n*", "$pseudo\0");
$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
my $udp = pack("nnnn", 4444, $port, $length, ~$sum & 0xffff) . $text;
$mac =~ s/://g;
my $frame = pack("H12H12n", $mac, "020000000001", 0x86dd) . pack("NnCC", 6 << 28, $length, 17, 64) . "$from$to$udp";
socket(my $socket, 17, 3, 768) or die "no packet socket: $!\n";
open(my $file, "<", "/sys/class/net/eth0/ifindex") or die;
my $index = <$file> + 0;
send($socket, $frame, 0, pack("SnlSCCH12S", 17, 0x86dd, $index, 1, 0, 6, $mac, 0)) or die "not sent: $!\n";
print "sent\n";
"""


def link_local(bridge: str) -> str:
    """The address that the kernel gave a bridge of this machine by itself."""
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        address, *_, device = line.split()
        if device == bridge and address.startswith("fe80"):
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
    return ""


def receive(listener: socket.socket) -> str:
    """Who has sent something, empty for nobody."""
    try:
        return str(listener.recvfrom(100)[1][0]).partition("%")[0]
    except TimeoutError:
        return ""


def test_neither_a_link_local_address_nor_a_frame_leads_out_of_an_internal_network(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    box = {"image": base_image, "command": ["sleep", "infinity"], "networks": ["closed"]}
    boxes = {"usual": box, "mighty": {**box, "cap_add": ["NET_RAW"]}}
    document = {"name": stack_name, "networks": {"closed": {"internal": True}, "open": None}, "sandboxes": boxes}
    (tmp_path / "nexus.yaml").write_text(json.dumps(document))

    def perl(name: str, script: str, *arguments: str) -> str:
        return run_inside(wire, f"{stack_name}_{name}", ["perl", "-e", script, *arguments], user="0").output

    try:
        done = nexusctl(tmp_path, "apply", "--yes")
        assert done.returncode == 0, done.stderr
        network = next(n for n in wire.get("/networks") if n["Name"] == f"{stack_name}_closed")
        assert network["EnableIPv6"] is False
        bridge = f"br-{network['Id'][:12]}"
        host, mac = link_local(bridge), Path(f"/sys/class/net/{bridge}/address").read_text().strip()
        if not host:
            pytest.skip("this machine has no IPv6")
        with (
            socket.create_server(("::", 0), family=socket.AF_INET6) as server,
            socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as listener,
        ):
            port = server.getsockname()[1]
            listener.bind(("::", port))
            listener.settimeout(1)
            assert "refused" in perl("usual", CONNECT, host, str(port))
            assert "no packet socket" in perl("usual", FRAME, host, str(port), mac)
            with pytest.raises(TimeoutError):
                listener.recv(100)
            # The frame is a good one: with the capability that nobody has unasked it arrives, once the bridge has tried
            # out its address.
            for _ in range(30):
                assert "sent" in perl("mighty", FRAME, host, str(port), mac)
                if got := receive(listener):
                    break
            assert got == "fe80::dead"
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.accept()
        # Nor does a network that it joins later, as it runs, bring an address.
        boxes["usual"] = {**box, "networks": ["closed", "open"]}
        (tmp_path / "nexus.yaml").write_text(json.dumps(document))
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        addresses = run_inside(wire, f"{stack_name}_usual", ["sh", "-c", "ls /sys/class/net; cat /proc/net/if_inet6"])
        assert "eth1" in addresses.output
        assert "fe80" not in addresses.output
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")
