foreach(format journal checkpoint results)
  rs_fuzz(${format} SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_${format}.c USES store
          CORPUS ${CMAKE_CURRENT_LIST_DIR}/corpus/${format})
endforeach()
