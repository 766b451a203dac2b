"""The manifests, rendered and held against the schemas of Kubernetes and KubeRay; no cluster is needed."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from tools import ROOT, tool

from brain import serving_choice, vllm_server
from brain.ray_arguments import Arguments
from twin.components import COMPONENTS, chosen
from twin.settings import SECRETS, Settings

HERE = ROOT / "deploy/kubernetes"
OVERLAYS = ("small", "gpu", "gpu-traces", "ray")
KUBERNETES = "1.37.0"
Manifest = dict[str, Any]


@functools.cache
def _rendered(overlay: str) -> str:
    folder = HERE / "overlays" / overlay
    done = subprocess.run(
        [tool("kubectl"), "kustomize", folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return done.stdout


def manifests(overlay: str) -> list[Manifest]:
    return [one for one in yaml.safe_load_all(_rendered(overlay)) if one]


def of_kind(overlay: str, *kinds: str) -> list[Manifest]:
    return [one for one in manifests(overlay) if one["kind"] in kinds]


def templates(node: Any) -> Iterator[Manifest]:
    """Every pod template, however deep."""
    if isinstance(node, dict):
        if "containers" in node.get("spec", {}) and "metadata" in node:
            yield node
        for child in node.values():
            yield from templates(child)
    elif isinstance(node, list):
        for child in node:
            yield from templates(child)


def validate(one: Manifest) -> None:
    if one["apiVersion"] != "ray.io/v1":
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
        return
    schema = json.loads((HERE / "kuberay-schema" / f"{one['kind'].lower()}.json").read_text())
    jsonschema.validate(one, schema)
    for template in templates(one["spec"]):
        pod = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}, "template": template}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_what_the_schemas_say(overlay: str) -> None:
    for one in manifests(overlay):
        validate(one)
    kinds = {one["kind"] for one in manifests(overlay)}
    assert {"Deployment", "NetworkPolicy", "PersistentVolumeClaim"} <= kinds
    assert overlay != "ray" or {"RayCluster", "RayService"} <= kinds


def test_the_example_of_a_training_job_is_what_the_schema_says() -> None:
    job = yaml.safe_load((HERE / "overlays/ray/job.yaml").read_text())
    validate(job)
    module = re.search(r"-m (\S+) --gpus 1 /data/shared/", job["spec"]["entrypoint"])
    assert module
    assert importlib.util.find_spec(module[1])
    clusters = of_kind("ray", "RayCluster")
    assert job["spec"]["clusterSelector"]["ray.io/cluster"] == clusters[0]["metadata"]["name"]


def test_a_wrong_field_would_be_found() -> None:
    cluster = of_kind("ray", "RayCluster")[0]
    cluster["spec"]["workerGroupSpecs"][0]["replica"] = 1
    with pytest.raises(jsonschema.ValidationError):
        validate(cluster)
    cluster = of_kind("ray", "RayCluster")[0]
    cluster["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(cluster)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_gives_up_what_it_does_not_need_and_says_how_much_it_needs(overlay: str) -> None:
    for template in templates(manifests(overlay)):
        assert template["spec"]["automountServiceAccountToken"] is False
        for one in template["spec"]["containers"]:
            assert one["securityContext"]["allowPrivilegeEscalation"] is False
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert one["resources"]["requests"]["cpu"]
            assert one["resources"]["limits"]["memory"]
            if one["image"].startswith("twin"):
                assert one["securityContext"]["readOnlyRootFilesystem"] is True
                assert template["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_runs_for_long_is_asked_whether_it_is_well(overlay: str) -> None:
    for one in of_kind(overlay, "Deployment", "StatefulSet"):
        container = one["spec"]["template"]["spec"]["containers"][0]
        if one["metadata"]["name"] == "twin-schedule":  # serves nothing; its heartbeat has an alert
            continue
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] == "http", (one["metadata"]["name"], probe)
        if container["image"].startswith("twin"):
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_named_and_never_written_down(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")
    secret = {f"TWIN_{section}__{key}".upper() for section, key in SECRETS} | {"HF_TOKEN"}
    for template in templates(manifests(overlay)):
        for one in template["spec"]["containers"]:
            for variable in one.get("env", ()):
                if variable["name"] in secret or "PASSWORD" in variable["name"]:
                    assert not variable.get("value"), variable["name"]
    service = next(one for one in of_kind(overlay, "Deployment") if one["metadata"]["name"] == "twin")
    container = service["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"secretRef": {"name": "twin-secrets"}}]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_in_a_manifest_are_settings_of_ours(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings,) = of_kind(overlay, "ConfigMap")
    written = Settings(**tomllib.loads(settings["data"]["twin.toml"]))
    assert written.model.servers
    for template in templates(manifests(overlay)):
        for one in template["spec"]["containers"]:
            for variable in one.get("env", ()):
                if variable["name"].startswith("TWIN_"):
                    kept = variable.get("valueFrom", {}).get("configMapKeyRef", {}).get("key")
                    value = settings["data"][kept] if kept else variable["value"]
                    monkeypatch.setenv(variable["name"], value)
    Settings()


@pytest.mark.parametrize("overlay", ["gpu", "ray"])
def test_every_part_of_the_service_runs_somewhere_and_none_twice(overlay: str) -> None:
    deployments = of_kind(overlay, "Deployment")
    commands = [one["spec"]["template"]["spec"]["containers"][0]["args"] for one in deployments]
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    assert sorted(commands) == sorted(compose[name]["command"] for name in ("twin", "schedule"))
    parts = [part for command in commands for part in chosen(command[2])]
    assert sorted([*parts, "model"]) == sorted(COMPONENTS)  # the model is vLLM's


@pytest.mark.parametrize("overlay", ["gpu", "ray"])
def test_the_schedule_is_one_copy_and_the_service_survives_a_drained_node(overlay: str) -> None:
    by_name = {one["metadata"]["name"]: one["spec"] for one in of_kind(overlay, "Deployment", "StatefulSet")}
    assert by_name["twin-schedule"]["replicas"] == 1
    assert by_name["twin-schedule"]["strategy"] == {"type": "Recreate"}
    assert by_name["twin"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    budgets = of_kind(overlay, "PodDisruptionBudget")
    assert "twin" in [budget["metadata"]["name"] for budget in budgets]
    for budget in budgets:
        name = budget["metadata"]["name"]
        assert 1 <= budget["spec"]["minAvailable"] < by_name[name]["replicas"]
        chosen = budget["spec"]["selector"]["matchLabels"]
        assert chosen.items() <= by_name[name]["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("overlay", "component", "may"),
    [
        ("gpu", "vllm", {"service", "schedule"}),
        ("ray", "ray-serve", {"service", "schedule", "ray-serve"}),
        ("ray", "ray", {"schedule", "ray"}),
    ],
)
def test_nobody_but_the_brain_reaches_what_answers_or_runs_anything(
    overlay: str, component: str, may: set[str]
) -> None:
    policies = [one["spec"] for one in of_kind(overlay, "NetworkPolicy")]
    assert {"podSelector": {}, "policyTypes": ["Ingress"]} in policies  # nobody, to begin with
    pods = [
        one["metadata"]["labels"]
        for one in templates(manifests(overlay))
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    assert pods
    reached: set[str] = set()
    for policy in policies:
        labels = policy["podSelector"].get("matchLabels", {})
        if not labels or not all(labels.items() <= pod.items() for pod in pods):
            continue
        for source in (source for rule in policy.get("ingress", ()) for source in rule["from"]):
            if "namespaceSelector" in source:
                assert source["namespaceSelector"]["matchLabels"] == {
                    "kubernetes.io/metadata.name": "kuberay-operator"
                }
                continue
            chosen = source["podSelector"]
            for expression in chosen.get("matchExpressions", ()):
                reached |= set(expression["values"])
            reached |= set(chosen.get("matchLabels", {}).values())
    assert reached == may


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_images_have_the_version_of_this_code(overlay: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    images = [one["image"] for one in compose.values()]
    for template in templates(manifests(overlay)):
        images += [one["image"] for one in template["spec"]["containers"]]
    for image in images:
        name, _, tag = image.partition(":")
        assert tag not in ("", "latest"), image
        if name in ("twin", "twin-train", "twin-serve"):
            assert tag == version


def test_vllm_is_started_with_flags_that_twin_serve_gives_it_too() -> None:
    known = "".join(Path(module.__file__).read_text() for module in (serving_choice, vllm_server))
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["vllm"]
    (server,) = (one for one in of_kind("gpu", "StatefulSet"))
    container = server["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == compose["command"]
    assert container["image"] == compose["image"]
    for flag in container["args"]:
        assert f'"{flag.partition("=")[0]}"' in known or flag.startswith("--model=")
    version = re.search(r"^version=(.+)$", (ROOT / "deploy/vllm/install.sh").read_text(), re.MULTILINE)
    assert version
    assert container["image"].endswith(f":v{version[1]}")


def test_only_where_somebody_collects_is_vllm_told_who() -> None:
    """As brain/vllm_server.py starts it: the same flag and variables, and no other flag changes."""
    flag = "--otlp-traces-endpoint"
    plain, traced = (
        of_kind(overlay, "StatefulSet")[0]["spec"]["template"]["spec"]["containers"][0]
        for overlay in ("gpu", "gpu-traces")
    )
    assert traced["args"] == [*plain["args"], f"{flag}=$(TWIN_MONITORING__TRACES)"]
    told = {one["name"]: one.get("value") for one in traced["env"] if one not in plain["env"]}
    assert "TWIN_MONITORING__TRACES" in told
    del told["TWIN_MONITORING__TRACES"]
    choice = serving_choice.Choice((), (), 1, 1, ())
    with_traces = vllm_server.vllm_environment(choice, traces=True)
    added = with_traces.items() - vllm_server.vllm_environment(choice).items()
    assert told.items() == added
    services = yaml.safe_load((ROOT / "deploy/compose.traces.yaml").read_text())["services"]
    assert services["vllm"]["environment"].items() == added
    *begin, last = services["vllm"]["entrypoint"]
    assert begin == ["vllm", "serve"]  # the image's own, before the command of compose.yaml
    assert last.startswith(flag + "=${TWIN_MONITORING__TRACES:?")
    command = vllm_server.vllm_command(Path("vllm"), "w", name="n", port=1, choice=choice, traces="http://c")
    assert command[command.index(flag) + 1] == "http://c"
    for overlay in ("gpu", "gpu-traces"):
        for deployment in of_kind(overlay, "Deployment"):
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            names = [one["name"] for one in container.get("env", ())]
            assert ("TWIN_MONITORING__TRACES" in names) == (overlay == "gpu-traces")


@pytest.mark.parametrize("overlay", ["gpu", "ray"])
def test_the_database_is_brought_up_to_date_by_a_job_with_the_services_own_command(overlay: str) -> None:
    (job,) = of_kind(overlay, "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (service,) = (one for one in of_kind(overlay, "Deployment") if one["metadata"]["name"] == "twin")
    assert container["args"] == ["upgrade", "--json"]
    assert container["image"] == service["spec"]["template"]["spec"]["containers"][0]["image"]
    assert container["envFrom"] == [{"secretRef": {"name": "twin-secrets"}}]


@pytest.mark.parametrize(
    ("overlay", "components"),
    [("gpu", {"service", "schedule", "vllm"}), ("ray", {"service", "schedule", "ray-serve"})],
)
def test_adapters_lie_at_one_path_for_whoever_writes_or_loads_them(
    overlay: str, components: set[str]
) -> None:
    seen = set()
    for template in templates(manifests(overlay)):
        component = template["metadata"]["labels"]["app.kubernetes.io/component"]
        if component not in components:
            continue
        seen.add(component)
        claims = {
            one["name"]: one["persistentVolumeClaim"]["claimName"]
            for one in template["spec"]["volumes"]
            if "persistentVolumeClaim" in one
        }
        (mount,) = (
            one
            for one in template["spec"]["containers"][0]["volumeMounts"]
            if one["mountPath"] == "/data/adapters"
        )
        assert (claims[mount["name"]], mount["subPath"]) == ("twin-shared", "adapters"), component
        assert mount.get("readOnly", False) is (component in ("vllm", "ray-serve")), component
    assert seen == components


def test_ray_serves_by_our_own_deployment_the_very_vllm_of_the_gpu_overlay() -> None:
    (service,) = of_kind("ray", "RayService")
    (application,) = yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]
    module, _, name = application["import_path"].partition(":")
    assert f"def {name}(" in (ROOT / f"{module.replace('.', '/')}.py").read_text()
    arguments = Arguments.model_validate(application["args"])
    (server,) = (one for one in of_kind("gpu", "StatefulSet"))
    container = server["spec"]["template"]["spec"]["containers"][0]
    vllm = "/opt/vllm/bin/vllm"
    assert arguments.command == [vllm, "serve", "--host=127.0.0.1", "--port={port}", *container["args"]]
    assert arguments.environment == {
        one["name"]: one["value"] for one in container["env"] if one.get("value")
    }
    image = (ROOT / "deploy/Dockerfile.serve").read_text()
    assert f"vllm=={container['image'].rpartition(':v')[2]}" in image
    assert vllm.removesuffix("/bin/vllm") in image
    (group,) = service["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    assert arguments.replicas * arguments.gpus == group["replicas"]
    assert arguments.doors == 1 + group["replicas"]  # the head has one, too
    (settings,) = of_kind("ray", "ConfigMap")
    assert f"http://{service['metadata']['name']}-serve-svc:8000/v1" in settings["data"]["twin.toml"]


def test_every_node_of_ray_has_the_same_ray() -> None:
    pinned = re.search(r"^ray==(\S+)", (ROOT / "deploy/requirements-train.txt").read_text(), re.MULTILINE)
    assert pinned
    installed = re.search(r"^ray=(\S+)", (ROOT / "deploy/ray/install.sh").read_text(), re.MULTILINE)
    assert installed
    assert installed[1] == pinned[1]
    (cluster,), (service,) = of_kind("ray", "RayCluster"), of_kind("ray", "RayService")
    assert cluster["spec"]["rayVersion"] == pinned[1]
    assert service["spec"]["rayClusterConfig"]["rayVersion"] == pinned[1]
