rs_test(speech SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_speech.c USES exp nn plan job data dsp comm num base)
target_include_directories(test_speech PRIVATE ${CMAKE_SOURCE_DIR}/src/exp)
