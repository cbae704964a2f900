# isfp_target(NAME): warnings are errors; host code runs under the sanitizer that was asked for.
set(ISFP_SANITIZE "" CACHE STRING "address, undefined or thread: a sanitizer for the host's code")

function(isfp_target name)
  set(host_warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
  target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${host_warnings}>")
  if(ISFP_HAS_CUDA)
    target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=-Wall,-Wextra,-Werror>")
  endif()
  if(ISFP_SANITIZE)
    target_compile_options(${name} PRIVATE
      "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ISFP_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer>")
    target_link_options(${name} PRIVATE -fsanitize=${ISFP_SANITIZE})
  endif()
endfunction()
