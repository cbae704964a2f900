// Messages of the plugin, through TensorRT's logger where the registry has handed one over, else to stderr.
#pragma once

#include <NvInferRuntime.h>

namespace isfp {

void use_logger_of(nvinfer1::ILoggerFinder* finder) noexcept;

void log_error(const char* message) noexcept;

}  // namespace isfp
