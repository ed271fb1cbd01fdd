# rs_build_facts(TARGET): adds to TARGET what its build_facts.h declares. build_flags.c is of this configuration;
# source_version.c is looked at in every build and written when it has changed: nothing else is compiled again.
function(rs_build_facts target)
  set(folder ${CMAKE_BINARY_DIR}/facts)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  set(options "$<FILTER:$<TARGET_PROPERTY:rs_options,INTERFACE_COMPILE_OPTIONS>,EXCLUDE,^-W>")
  set(flags "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}} $<JOIN:${options}, >")
  string(STRIP "${flags}" flags)
  string(REGEX REPLACE "[\"\\\\]" "'" flags "${flags}")
  file(GENERATE OUTPUT ${folder}/build_flags.c CONTENT
"#include \"tables/build_facts.h\"

const char build_type[] = \"${CMAKE_BUILD_TYPE}\";
const char build_compiler[] = \"${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}\";
const char build_flags[] = \"${flags}\";
")
  add_custom_target(rs_source_version
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${CMAKE_SOURCE_DIR} -D OUTPUT=${folder}/source_version.c
            -P ${CMAKE_SOURCE_DIR}/cmake/source-version.cmake
    BYPRODUCTS ${folder}/source_version.c
    COMMENT "Looking at the version of the source" VERBATIM)
  target_sources(${target} PRIVATE ${folder}/build_flags.c ${folder}/source_version.c)
  add_dependencies(${target} rs_source_version)
endfunction()
