"""A Ray head and a Kubernetes API in miniature: each starts what it is told to on this very machine.

Written after Ray's Jobs REST API (2.60) and Kubernetes' batch/v1; what they do not know they note down.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import web


class ClusterServer:
    """`running` are the workers, by the name of their job."""

    def __init__(self) -> None:
        self.running: dict[str, asyncio.subprocess.Process] = {}
        self.submitted: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.unknown: list[str] = []
        self.refuses: str | None = None
        self.away = False
        self.url = ""
        self._runner: web.AppRunner | None = None

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    async def start(self) -> None:
        app = web.Application(middlewares=[self._gate])
        app.router.add_routes(self.routes())
        app.router.add_route("*", "/{path:.*}", self._unknown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        for name in list(self.running):
            await self.kill(name)
        assert self._runner
        await self._runner.cleanup()

    async def kill(self, name: str) -> None:
        process = self.running[name]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.away:
            assert request.transport
            request.transport.abort()
        return await handler(request)

    async def _unknown(self, request: web.Request) -> web.Response:
        self.unknown.append(f"{request.method} {request.path}")
        return web.json_response({"message": "no such route"}, status=404)


class RayServer(ClusterServer):
    def __init__(self) -> None:
        super().__init__()
        self.stopped: set[str] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/jobs/", self._list),
            web.post("/api/jobs/", self._submit),
            web.get("/api/jobs/{id}", self._get),
            web.delete("/api/jobs/{id}", self._delete),
            web.post("/api/jobs/{id}/stop", self._stop),
        ]

    def _told(self, id: str) -> dict[str, Any]:
        code = self.running[id].returncode
        status = "RUNNING" if code is None else "SUCCEEDED" if code == 0 else "FAILED"
        if id in self.stopped and code is not None:
            status = "STOPPED"
        return {
            "type": "SUBMISSION",
            "submission_id": id,
            "status": status,
            "message": f"Job entrypoint command ended with exit code {code}",
            "driver_exit_code": code,
        }

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response([self._told(id) for id in self.running])

    async def _submit(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        id = body["submission_id"]
        if self.refuses or id in self.running:  # Ray answers 500 to a name that it knows
            return web.Response(status=500, text=f"Traceback\nValueError: {self.refuses or 'it is there'}")
        self.submitted.append(id)
        added = body["runtime_env"].get("env_vars", {})
        self.running[id] = await asyncio.create_subprocess_shell(
            body["entrypoint"], env=os.environ | added, start_new_session=True
        )
        return web.json_response({"job_id": id, "submission_id": id})

    async def _get(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        if id not in self.running:
            return web.Response(status=404, text=f"Job {id} does not exist")
        return web.json_response(self._told(id))

    async def _delete(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        if self.running[id].returncode is None:
            return web.Response(status=500, text="it still runs")
        del self.running[id]
        return web.json_response({"deleted": True})

    async def _stop(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        self.stopped.add(id)
        await self.kill(id)
        return web.json_response({"stopped": True})


class KubernetesServer(ClusterServer):
    """One namespace, one node; `mounts` says where a volume claim lies here."""

    def __init__(self, token: str = "the-token") -> None:
        super().__init__()
        self.token = token
        self.manifests: dict[str, dict[str, Any]] = {}
        self.out_of_memory: set[str] = set()
        self.strangers = 0

    def routes(self) -> list[web.RouteDef]:
        jobs = "/apis/batch/v1/namespaces/twin/jobs"
        return [
            web.get(jobs, self._list),
            web.post(jobs, self._create),
            web.get(jobs + "/{id}", self._get),
            web.delete(jobs + "/{id}", self._delete),
            web.get("/api/v1/namespaces/twin/pods", self._pods),
        ]

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            self.strangers += 1
            return web.json_response({"message": "Unauthorized"}, status=401)
        return await super()._gate(request, handler)

    def _told(self, id: str) -> dict[str, Any]:
        code = self.running[id].returncode
        status = {"active": 1} if code is None else {"succeeded": 1} if code == 0 else {"failed": 1}
        return {**self.manifests[id], "status": status}

    async def _list(self, request: web.Request) -> web.Response:
        name, _, value = request.query["labelSelector"].partition("=")
        items = [self._told(id) for id in self.running]
        return web.json_response(
            {"items": [one for one in items if one["metadata"]["labels"].get(name) == value]}
        )

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        id = body["metadata"]["name"]
        if id in self.running:
            return web.json_response({"message": "AlreadyExists"}, status=409)
        self.submitted.append(id)
        self.manifests[id] = body
        [container] = body["spec"]["template"]["spec"]["containers"]
        added = {one["name"]: one["value"] for one in container["env"]}
        self.running[id] = await asyncio.create_subprocess_exec(
            *container["command"], env=os.environ | added, start_new_session=True
        )
        return web.json_response(body, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        if id not in self.running:
            return web.json_response({"message": "not found"}, status=404)
        return web.json_response(self._told(id))

    async def _delete(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        if id not in self.running:
            return web.json_response({"message": "not found"}, status=404)
        await self.kill(id)
        del self.running[id]
        return web.json_response({"status": "Success"})

    async def _pods(self, request: web.Request) -> web.Response:
        id = request.query["labelSelector"].partition("=")[2]
        code = self.running[id].returncode or 0
        reason = "OOMKilled" if id in self.out_of_memory else "Error"
        ended = {"exitCode": 128 - code if code < 0 else code, "reason": reason}
        return web.json_response(
            {"items": [{"status": {"containerStatuses": [{"state": {"terminated": ended}}]}}]}
        )


def everything_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
