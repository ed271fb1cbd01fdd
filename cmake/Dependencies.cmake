# External libraries, each as one imported target named RS::<library>. Only the module that owns a library links it.
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(MPI REQUIRED COMPONENTS C)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(Threads REQUIRED)

foreach(package yaml-0.1 jansson libxxhash zlib fftw3f sndfile samplerate cmocka)
  pkg_check_modules(${package} REQUIRED IMPORTED_TARGET ${package})
endforeach()

# OpenBLAS must be its OpenMP build: the pthread build would keep a second pool of threads beside ours.
# Its own directory goes into the run path, because several builds share one soname.
find_library(OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-openmp REQUIRED
             HINTS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_CMAKE_SYSTEM_PATH)
find_path(OPENBLAS_INCLUDE openblas_config.h PATH_SUFFIXES openblas-openmp openblas REQUIRED
          HINTS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
find_library(LAPACKE_LIBRARY lapacke REQUIRED)
find_path(LAPACKE_INCLUDE lapacke.h REQUIRED)
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)
get_filename_component(OPENBLAS_DIR ${OPENBLAS_LIBRARY} DIRECTORY)

add_library(RS::blas INTERFACE IMPORTED)
target_include_directories(RS::blas SYSTEM INTERFACE ${OPENBLAS_INCLUDE} ${LAPACKE_INCLUDE})
target_link_libraries(RS::blas INTERFACE ${LAPACKE_LIBRARY} ${OPENBLAS_LIBRARY})

add_library(RS::hdf5 INTERFACE IMPORTED)
target_include_directories(RS::hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(RS::hdf5 INTERFACE ${HDF5_LIBRARIES})

# DT_RPATH (not DT_RUNPATH) also governs what liblapacke itself loads.
set(CMAKE_BUILD_RPATH ${OPENBLAS_DIR})
set(CMAKE_INSTALL_RPATH ${OPENBLAS_DIR})
add_link_options(-Wl,--disable-new-dtags)
