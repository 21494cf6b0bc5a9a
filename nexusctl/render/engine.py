"""What `engine start|status|stop` tell, as text and as JSON."""

from __future__ import annotations

from typing import Any

from nexusctl.engine.docker.client.client import Endpoint
from nexusctl.engine.docker.host.manage import EngineStatus
from nexusctl.render.format import FORMAT_VERSION


def render_status(status: EngineStatus) -> str:
    info, version = status.info, status.version
    rows = [
        ("endpoint", f"{status.endpoint.url} (found through {status.endpoint.source})"),
        ("engine", f"{_name(version)} {version.get('Version', '?')}, API {version.get('ApiVersion', '?')}"),
        ("spoken", f"API {status.endpoint.version}"),
        ("system", f"{info.get('OperatingSystem', '?')}, kernel {info.get('KernelVersion', '?')}"),
        ("cgroups", f"version {info.get('CgroupVersion', '?')}, driver {info.get('CgroupDriver', '?')}"),
        ("storage", f"{info.get('Driver', '?')} in {info.get('DockerRootDir', '?')}"),
        ("containers", _count(info)),
        ("images", str(info.get("Images", 0))),
        ("started by", _say_starter(status)),
    ]
    return "\n".join(f"{name:<12}{value}" for name, value in rows)


def render_status_json(status: EngineStatus) -> dict[str, Any]:
    info, version = status.info, status.version
    return {
        "format_version": FORMAT_VERSION,
        "engine": {
            **_endpoint(status.endpoint),
            "name": _name(version),
            "version": version.get("Version", ""),
            "api_version": version.get("ApiVersion", ""),
            "spoken_api_version": status.endpoint.version,
            "system": info.get("OperatingSystem", ""),
            "kernel": info.get("KernelVersion", ""),
            "cgroup_version": info.get("CgroupVersion", ""),
            "storage_driver": info.get("Driver", ""),
            "storage_folder": info.get("DockerRootDir", ""),
            "containers": {
                "running": info.get("ContainersRunning", 0),
                "paused": info.get("ContainersPaused", 0),
                "stopped": info.get("ContainersStopped", 0),
            },
            "images": info.get("Images", 0),
            "started_by_nexusctl": status.daemon is not None,
            "pid": status.daemon.pid if status.daemon else None,
            "log": status.daemon.log if status.daemon else None,
        },
    }


def render_absence_json(problem: str) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "engine": None, "problem": problem}


def render_start_json(endpoint: Endpoint, done: str) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, **_endpoint(endpoint), "done": done}


def render_stop_json(done: str) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "done": done}


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {"endpoint": endpoint.url, "source": endpoint.source}


def _name(version: Any) -> str:
    components = version.get("Components") or [{}]
    return "Podman" if "podman" in str(components[0].get("Name", "")).lower() else "Docker"


def _count(info: Any) -> str:
    kinds = ("Running", "Paused", "Stopped")
    return ", ".join(f"{info.get(f'Containers{kind}', 0)} {kind.lower()}" for kind in kinds)


def _say_starter(status: EngineStatus) -> str:
    daemon = status.daemon
    if daemon is None:
        return "somebody else; `nexusctl engine stop` leaves it alone"
    if daemon.how == "unit":
        return f"nexusctl, as the systemd unit {daemon.unit}"
    return f"nexusctl, pid {daemon.pid}" + (f", log in {daemon.log}" if daemon.log else "")
