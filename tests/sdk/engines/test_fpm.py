"""The operator is called the same by the SDK, by the plugin's C++ and by the shipped bundle."""

import re

from isfp.engines import fpm
from tests.paths import ROOT


def test_the_plugin_has_the_operators_name_and_version():
    header = (ROOT / "plugins/fpm_scan/tensorrt/fpm_scan_plugin.h").read_text(encoding="utf-8")
    said = dict(re.findall(r'constexpr char kPlugin(Name|Version|Namespace)\[\] = "(.*)";', header))
    assert said == {"Name": fpm.OPERATOR, "Version": fpm.PLUGIN_VERSION, "Namespace": fpm.DOMAIN}
