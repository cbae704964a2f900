#include "logging.h"

#include <atomic>
#include <cstdio>

namespace isfp {
namespace {

std::atomic<nvinfer1::ILoggerFinder*> logger_finder{nullptr};

}  // namespace

void use_logger_of(nvinfer1::ILoggerFinder* finder) noexcept { logger_finder = finder; }

void log_error(const char* message) noexcept {
    nvinfer1::ILoggerFinder* finder = logger_finder;
    if (nvinfer1::ILogger* logger = finder != nullptr ? finder->findLogger() : nullptr) {
        logger->log(nvinfer1::ILogger::Severity::kERROR, message);
    } else {
        std::fprintf(stderr, "%s\n", message);
    }
}

}  // namespace isfp
