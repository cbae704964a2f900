"""How a GPU is found: the driver is asked, and no file under /dev is looked for, so WSL2 counts, whose GPU is /dev/dxg."""

import json

import pytest

from isfp.engines.gpu import Gpu
from tests.sdk.runtimes.host_driver import HostDriver

FIRST_GPU = "from isfp.engines.gpu import first_gpu; gpu = first_gpu(); print(gpu and (gpu.model, gpu.sm, gpu.cuda))"
NO_DEVICE = "cuInit:100"  # CUDA_ERROR_NO_DEVICE: such as WSL2 without /dev/dxg, which has the driver's library all the same

RUNTIMES_AND_DOCTOR = """
import json
from isfp.diagnose.doctor import examine
from isfp.runtimes import runtime_class
report = examine()
driver = next(finding for finding in report.findings if finding.what == "NVIDIA GPU")
print(json.dumps([driver.good, driver.found, report.next, runtime_class("tensorrt").why_unavailable()]))
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> HostDriver:
    return HostDriver(tmp_path_factory.mktemp("driver"))


def test_a_model_tells_orins_of_one_name_apart():
    assert Gpu("Orin", "87", "12.6", None, 16).model == "Orin (16 SMs)"
    assert Gpu("Orin", "87", "12.6", None, 8).model != Gpu("Orin", "87", "12.6", None, 16).model
    assert Gpu("Orin", "87", "12.6", None).model == "Orin"


def test_a_driver_with_a_gpu_is_enough_to_find_it(driver):
    assert driver.run(FIRST_GPU).printed == "('Orin (16 SMs)', '87', '13.0')\n"


def test_a_driver_without_a_gpu_is_no_gpu(driver):
    assert driver.run(FIRST_GPU, ISFP_DRIVER_FAIL=NO_DEVICE).printed == "None\n"


def test_doctor_and_the_runtimes_count_a_gpu_that_only_the_driver_shows(driver):
    good, found, next_command, lacking = json.loads(driver.run(RUNTIMES_AND_DOCTOR).printed)
    assert good
    assert found.startswith("Orin, SM 87, driver ")
    assert next_command != "isfp run BUNDLE --image PICTURE --phrase 'the red mug'"  # what is said where there is no GPU
    assert "no NVIDIA GPU" not in str(lacking)


def test_doctor_and_the_runtimes_count_no_gpu_where_the_driver_shows_none(driver):
    good, _, next_command, lacking = json.loads(driver.run(RUNTIMES_AND_DOCTOR, ISFP_DRIVER_FAIL=NO_DEVICE).printed)
    assert not good
    assert next_command == "isfp run BUNDLE --image PICTURE --phrase 'the red mug'"
    assert "no NVIDIA GPU" in lacking
