# SPDX-License-Identifier: Apache-2.0
"""What is shipped for clusters and containers: valid by its schemas, and true of the program."""
import re
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml

from support.process import ROOT, Server

FOLDER = ROOT / "config/kubernetes"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
KUBERNETES = "1.37"
DRAIN = 25


def manifest(name):
    return yaml.safe_load((FOLDER / name).read_text())


def deployments():
    return [manifest("deployment.yaml"), manifest("sidecar.example.yaml")]


def containers(deployment):
    pod = deployment["spec"]["template"]["spec"]
    return pod.get("initContainers", []) + pod["containers"]


def ours(deployment):
    (container,) = [c for c in containers(deployment) if c["name"] == "pyramidion"]
    return container


def variables(container):
    return {entry["name"]: entry["value"] for entry in container["env"]}


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_keeps_its_schema(path):
    content = yaml.safe_load(path.read_text())
    if content["kind"] == "ServiceMonitor":
        # The operator's resources are not Kubernetes' own: the frame here, what it selects below.
        assert content["apiVersion"] == "monitoring.coreos.com/v1"
        assert set(content) == {"apiVersion", "kind", "metadata", "spec"}
        assert set(content["spec"]) <= {"selector", "endpoints", "namespaceSelector", "jobLabel"}
        for endpoint in content["spec"]["endpoints"]:
            assert set(endpoint) <= {"port", "path", "interval", "scrapeTimeout"}
    else:
        kubernetes_validate.validate(content, KUBERNETES, strict=True)


def test_the_checker_refuses_a_manifest_with_an_unknown_key():
    content = manifest("deployment.yaml")
    content["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(content, KUBERNETES, strict=True)


def test_the_compose_file_keeps_its_schema():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "config/compose.yaml"],
        capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_and_labels_lead_from_one_manifest_to_the_next():
    deployment, service = manifest("deployment.yaml"), manifest("service.yaml")
    monitor, autoscaler = manifest("service-monitor.yaml"), manifest("autoscaler.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    ports = {port["name"]: port["containerPort"] for port in ours(deployment)["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(ports)
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    names = {port["name"] for port in service["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= names
    target = autoscaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (deployment["kind"], deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"], "two would decide how many there are"


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_containers_are_confined_and_have_limits(deployment):
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in containers(deployment):
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"]["drop"] == ["ALL"]
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_the_grace_period_is_longer_than_draining(deployment):
    pod = deployment["spec"]["template"]["spec"]
    pause = ours(deployment).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert pod["terminationGracePeriodSeconds"] > DRAIN + pause
    shipped = yaml.safe_load((ROOT / "config/pyramidion.yaml").read_text())
    assert shipped["timeouts"]["drain"] == f"{DRAIN}s"
    compose = yaml.safe_load((ROOT / "config/compose.yaml").read_text())
    assert int(compose["services"]["pyramidion"]["stop_grace_period"].removesuffix("s")) > DRAIN


def test_probes_and_scrapes_ask_for_what_is_there(server):
    deployment, monitor = manifest("deployment.yaml"), manifest("service-monitor.yaml")
    probes = [ours(deployment)[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    for probe in probes + monitor["spec"]["endpoints"]:
        assert server.get(probe["path"]).status == 200, probe
    assert probes[1]["path"] == "/healthz", "an instance that drains must not be restarted"


def test_the_environment_of_the_deployment_configures_the_program():
    values = variables(ours(manifest("deployment.yaml")))
    assert values.pop("PYRAMIDION_LISTEN") == "0.0.0.0:8080"
    with Server(env=values) as server:
        assert server.log.lstrip().startswith("{"), "the log is JSON"


def test_the_sidecar_listens_on_its_socket_alone_and_is_found_healthy(tmp_path):
    from support.process import PROGRAM, clean_environment

    container = ours(manifest("sidecar.example.yaml"))
    mount = container["volumeMounts"][0]["mountPath"]
    listen = variables(container)["PYRAMIDION_LISTEN"].replace(mount, str(tmp_path))
    probe = [word.replace(mount, str(tmp_path)) for word in container["livenessProbe"]["exec"]["command"]]
    assert probe[0] == "pyramidion" and listen.startswith("unix:") and "," not in listen
    process = subprocess.Popen(
        [PROGRAM, "serve", "--config", ROOT / "config/pyramidion.yaml"], cwd=tmp_path,
        env=clean_environment(PYRAMIDION_LISTEN=listen), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    try:
        assert "listening" in process.stdout.readline()
        done = subprocess.run([PROGRAM, *probe[1:]], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
    finally:
        process.terminate()
        assert process.wait(30) == 0
    done = subprocess.run([PROGRAM, *probe[1:]], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1, "nobody is there any more"


def data_folder():
    """Where the image keeps what it makes."""
    (folder,) = re.findall(r"PYRAMIDION_DATA=(\S+)", (ROOT / "Dockerfile").read_text())
    return folder


def byte_count(text):
    """Bytes of `8GiB` or `10Gi`."""
    number, unit = re.fullmatch(r"(\d+)([KMGT])iB?", text).groups()
    return int(number) << 10 * ("KMGT".index(unit) + 1)


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_the_data_folder_is_a_volume_that_levels_cannot_overfill(deployment):
    pod, container = deployment["spec"]["template"]["spec"], ours(deployment)
    (mount,) = [mount for mount in container["volumeMounts"] if mount["mountPath"] == data_folder()]
    assert not mount.get("readOnly", False)
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
    assert byte_count(variables(container)["PYRAMIDION_CACHE_DISK"]) < byte_count(volume["emptyDir"]["sizeLimit"])
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]


def test_compose_keeps_the_data_folder():
    compose = yaml.safe_load((ROOT / "config/compose.yaml").read_text())
    service = compose["services"]["pyramidion"]
    assert service["read_only"] is True
    places = dict(mount.split(":")[::-1] for mount in service["volumes"])
    assert places[data_folder()] in compose["volumes"]


def test_the_image_runs_as_the_user_that_the_manifests_name():
    users = {line.split()[1].split(":")[0] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("USER")}
    for deployment in deployments():
        assert {str(deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"])} == users


def test_the_threat_model_names_limits_that_exist():
    def paths(node, prefix=""):
        for key, value in node.items():
            yield prefix + key
            if isinstance(value, dict):
                yield from paths(value, prefix + key + ".")

    shipped = set(paths(yaml.safe_load((ROOT / "config/pyramidion.yaml").read_text())))
    named = set(re.findall(r"`((?:limits|timeouts)\.[a-z_]+|tokens)`", (ROOT / "docs/threat-model.md").read_text()))
    assert named <= shipped, named - shipped
    assert {path for path in shipped if path.startswith("limits.")} <= named, "every limit has its reason there"
