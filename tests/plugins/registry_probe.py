"""registry_probe.py MODULE LIBRARY: load the plugin into TensorRT's registry and print as JSON what is found there.

A process of its own, because a library must stay loaded as long as plugins of it live.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import numpy as np


def main(module: str, library: str) -> dict:
    trt = importlib.import_module(module)

    def create(**values: float) -> Any:
        fields = []
        for name, value in values.items():
            kind = trt.PluginFieldType.INT32 if isinstance(value, int) else trt.PluginFieldType.FLOAT32
            fields.append(trt.PluginField(name, np.array([value], np.int32 if isinstance(value, int) else np.float32), kind))
        return creator.create_plugin("scan", trt.PluginFieldCollection(fields), trt.TensorRTPhase.BUILD)

    registry = trt.get_plugin_registry()
    before = any(creator.name == "FPMScan" for creator in registry.all_creators)
    registry.load_library(library)
    creator = registry.get_creator("FPMScan", "1", "isfp")
    plugin = create(alpha=0.25, activation=1, slope=0.1)
    kinds = trt.PluginCapabilityType.CORE, trt.PluginCapabilityType.BUILD, trt.PluginCapabilityType.RUNTIME
    core, build, runtime = (plugin.get_capability_interface(kind) for kind in kinds)
    return {
        "before": before,
        "creator": [creator.name, creator.plugin_version, creator.plugin_namespace],
        "fields": [[field.name, field.type.name] for field in creator.field_names],
        "capabilities": [capability.interface_info.kind for capability in (core, build, runtime)],
        "core": [core.plugin_name, core.plugin_version, core.plugin_namespace],
        "outputs": build.num_outputs,
        "refused": {
            "missing slope": create(alpha=0.25, activation=1) is None,
            "activation 7": create(alpha=0.25, activation=7, slope=0.1) is None,
            "unknown beta": create(alpha=0.25, activation=1, slope=0.1, beta=0.5) is None,
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
