# cmake -D SOURCE=folder -D OUTPUT=file.c -P source-version.cmake
# Writes OUTPUT, which defines build_source, unless it says the same already: `git describe` of SOURCE, "unknown" where
# there is no git or SOURCE is not the top of a checkout (an unpacked archive may lie inside another project's).
cmake_minimum_required(VERSION 3.25)
set(version unknown)
set(ENV{GIT_OPTIONAL_LOCKS} 0) # others may be at work in the checkout
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --show-prefix
                  RESULT_VARIABLE failed OUTPUT_VARIABLE below ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT failed AND below STREQUAL "")
    execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty
                    RESULT_VARIABLE failed OUTPUT_VARIABLE described ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT failed AND described MATCHES "^[0-9A-Za-z._/+-]+$")
      set(version ${described})
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT
"#include \"tables/build_facts.h\"

const char build_source[] = \"@version@\";
")
