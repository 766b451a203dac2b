"""Which machine trains? As [runs] says."""

from __future__ import annotations

from pathlib import Path

from learning.targets.kubernetes import KubernetesTarget
from learning.targets.local import LocalTarget
from learning.targets.ray_jobs import RayTarget
from learning.targets.shared import Shared
from learning.targets.target import Target
from learning.targets.warm import Warm
from twin.errors import Told
from twin.schedule_settings import RunSettings


def target_of(settings: RunSettings, name: str = "local", warm: Warm | None = None) -> Target:
    """`name`: what the run asked for. `warm`: see there. Raises Told when what that needs is not set."""
    if name == "local":
        return LocalTarget(warm=warm)
    shared = Shared(_needed(settings.shared_dir), settings.remote_dir or _needed(settings.shared_dir))
    if name == "ray":
        return RayTarget(settings.ray_url, shared, settings.python, settings.gpus)
    if not settings.kubernetes_image or not settings.kubernetes_claim:
        raise Told(
            "training on Kubernetes needs an image and a volume claim",
            "set [runs] kubernetes_image and kubernetes_claim in twin.toml",
        )
    token = settings.kubernetes_token
    return KubernetesTarget(
        settings.kubernetes_url,
        shared,
        namespace=settings.kubernetes_namespace,
        image=settings.kubernetes_image,
        claim=settings.kubernetes_claim,
        python=settings.python,
        gpus=settings.gpus,
        token=token.get_secret_value() if token else None,
    )


def _needed(folder: Path | None) -> Path:
    if folder is None:
        raise Told(
            "training on another machine needs a folder that both see", "set [runs] shared_dir in twin.toml"
        )
    return folder.expanduser().absolute()
