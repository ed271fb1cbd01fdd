# rs_embed(TARGET FILE NAME): compiles FILE, a text, into TARGET as `const char NAME[]`, ended by a zero.
function(rs_embed target file name)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "((0x..,){16})" "\\1\n" bytes "${bytes}")
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"extern const char @name@[];
const char @name@[] = {
@bytes@0};
")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  target_sources(${target} PRIVATE ${source})
endfunction()
