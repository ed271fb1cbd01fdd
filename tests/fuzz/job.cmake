rs_fuzz(job SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_job.c USES job CORPUS ${CMAKE_CURRENT_LIST_DIR}/corpus/job)
target_include_directories(fuzz_job PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
