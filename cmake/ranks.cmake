# libunroll_mpi.so, where there is an MPI for C: the program loads it when it is started as one of several processes. Another MPI than
# the one that is found first: -DMPI_C_COMPILER=mpicc.mpich.
find_package(MPI COMPONENTS C QUIET)
set(UNROLL_MPI OFF)
if(MPI_C_FOUND)
  set(UNROLL_MPI ON)
  add_library(unroll_mpi MODULE ${PROJECT_SOURCE_DIR}/src/ranks/mpi/module.c)
  target_include_directories(unroll_mpi PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_include_directories(unroll_mpi SYSTEM PRIVATE ${MPI_C_INCLUDE_DIRS})
  target_link_libraries(unroll_mpi PRIVATE MPI::MPI_C)
  install(TARGETS unroll_mpi LIBRARY DESTINATION lib/unroll)
else()
  message(STATUS "MPI was not found: training on several machines is left out")
endif()
