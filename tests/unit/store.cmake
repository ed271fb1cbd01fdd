foreach(part table lock journal checkpoint results artifacts)
  rs_test(${part} INSIDE store SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c USES store LIBS RS::hdf5)
endforeach()
