# rs_module(NAME SOURCES file... [USES module...] [LIBS target...])
# One static library a module. USES: modules below it in docs/architecture.md. LIBS: external libraries that it owns.
add_library(rs_options INTERFACE)
target_include_directories(rs_options INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_compile_definitions(rs_options INTERFACE _GNU_SOURCE $<$<BOOL:${RS_CHECKS}>:RS_CHECKS=1>)
target_compile_options(rs_options INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wwrite-strings
  -fno-math-errno -fno-trapping-math -fopenmp
  $<$<BOOL:${RS_NATIVE}>:-march=native> $<$<BOOL:${RS_WERROR}>:-Werror>)
target_link_options(rs_options INTERFACE -fopenmp)
target_link_libraries(rs_options INTERFACE m)
if(RS_SANITIZE)
  target_compile_options(rs_options INTERFACE -fsanitize=${RS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(rs_options INTERFACE -fsanitize=${RS_SANITIZE})
endif()

function(rs_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS" ${ARGN})
  add_library(rs_${name} STATIC ${ARG_SOURCES})
  list(TRANSFORM ARG_USES PREPEND rs_)
  target_include_directories(rs_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(rs_${name} PUBLIC rs_options ${ARG_USES} PRIVATE ${ARG_LIBS})
endfunction()
