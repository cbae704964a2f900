// What IPluginRegistry::loadLibrary looks for in the .so.
#include <NvInferRuntime.h>

#include <cstdint>

#include "fpm_scan_creator.h"
#include "logging.h"

#define ISFP_EXPORTED extern "C" __attribute__((visibility("default")))

ISFP_EXPORTED nvinfer1::IPluginCreatorInterface* const* getCreators(std::int32_t& count) {
    static isfp::FpmScanCreator creator;
    static nvinfer1::IPluginCreatorInterface* const creators[] = {&creator};
    count = 1;
    return creators;
}

ISFP_EXPORTED void setLoggerFinder(nvinfer1::ILoggerFinder* finder) { isfp::use_logger_of(finder); }
