# isfp_target(NAME): warnings, which are errors if asked for; host code runs under the sanitizer that was asked for.
option(ISFP_WERROR "Treat warnings as errors: for CI, whose compilers are known" OFF)
set(ISFP_SANITIZE "" CACHE STRING "address, undefined or thread: a sanitizer for the host's code")

function(isfp_target name)
  set(host_warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${ISFP_WERROR}>:-Werror>)
  target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${host_warnings}>")
  if(ISFP_HAS_CUDA)
    target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>"
      "$<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${ISFP_WERROR}>>:-Werror=all-warnings;-Xcompiler=-Werror>")
  endif()
  if(ISFP_SANITIZE)
    target_compile_options(${name} PRIVATE
      "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ISFP_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer>")
    target_link_options(${name} PRIVATE -fsanitize=${ISFP_SANITIZE})
  endif()
endfunction()
