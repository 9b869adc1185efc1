# The program, libunroll (shared and static) and what `cmake --install` puts where.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The program is linked with the rooms, not with the library, so that it runs from anywhere.
file(GLOB cli_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c)
add_executable(program ${cli_sources})
target_link_libraries(program PRIVATE room_report room_bench room_serve)
target_compile_definitions(program PRIVATE UNROLL_DATE="${UNROLL_DATE}")
set_target_properties(program PROPERTIES OUTPUT_NAME unroll)
install(TARGETS program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# Completion and manual pages are what the program says about itself.
if(NOT CMAKE_CROSSCOMPILING)
  set(said ${PROJECT_BINARY_DIR}/said)
  file(MAKE_DIRECTORY ${said})
  file(STRINGS ${PROJECT_SOURCE_DIR}/src/option/commands.def commands REGEX "^COMMAND\\(")
  list(TRANSFORM commands REPLACE "^COMMAND\\(([a-z]+).*" "\\1")
  add_custom_command(TARGET program POST_BUILD
    COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/said.sh $<TARGET_FILE:program> ${said} ${commands} VERBATIM)
  install(FILES ${said}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME unroll OPTIONAL)
  install(FILES ${said}/zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _unroll OPTIONAL)
  install(FILES ${said}/fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME unroll.fish OPTIONAL)
  install(FILES ${said}/unroll.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
  list(TRANSFORM commands REPLACE "(.+)" "${said}/unroll-\\1.1")
  install(FILES ${commands} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
endif()

# libunroll: all rooms in one. What unroll.h does not export is hidden; in the static library too, where objcopy is there.
set(objects "")
foreach(r ${ROOMS})
  list(APPEND objects $<TARGET_OBJECTS:room_${r}>)
endforeach()
# What both are to whoever links them.
function(describe_library target)
  target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME unroll LINKER_LANGUAGE C)
endfunction()
set(libraries unroll_static)
if(BUILD_SHARED_LIBS)
  list(APPEND libraries unroll)
  add_library(unroll SHARED ${objects})
  describe_library(unroll)
  target_link_libraries(unroll PRIVATE unroll_flags ${UNROLL_LIBRARIES} Threads::Threads ${CMAKE_DL_LIBS} m)
  if(NOT UNROLL_SANITIZE)
    target_link_options(unroll PRIVATE -Wl,--no-undefined)
  endif()
  target_link_options(unroll PRIVATE -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/unroll.map)
  set_target_properties(unroll PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/unroll.map VERSION ${PROJECT_VERSION} SOVERSION 0)
endif()

add_library(unroll_static STATIC ${objects})
describe_library(unroll_static)
set(needed "") # by their names: whoever links the static library links these too
foreach(library ${UNROLL_LIBRARIES})
  string(REPLACE "PkgConfig::" "" part ${library})
  list(APPEND needed ${${part}_LIBRARIES})
endforeach()
target_link_libraries(unroll_static INTERFACE ${needed} Threads::Threads ${CMAKE_DL_LIBS} m)
if(CMAKE_OBJCOPY AND NOT UNROLL_SANITIZE)
  set(whole ${PROJECT_BINARY_DIR}/whole.o)
  add_custom_command(TARGET unroll_static POST_BUILD
    COMMAND ${CMAKE_LINKER} -r -o ${whole} ${objects}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole}
    COMMAND ${CMAKE_COMMAND} -E rm -f $<TARGET_FILE:unroll_static>
    COMMAND ${CMAKE_AR} rcs $<TARGET_FILE:unroll_static> ${whole}
    COMMAND_EXPAND_LISTS VERBATIM)
endif()

install(TARGETS ${libraries} EXPORT unroll LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/unroll.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/unroll)
install(EXPORT unroll NAMESPACE unroll:: FILE unroll-targets.cmake DESTINATION ${package})
file(WRITE ${PROJECT_BINARY_DIR}/unroll-config.cmake [[
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/unroll-targets.cmake)
if(NOT TARGET unroll::unroll) # a build without the shared library
  add_library(unroll::unroll ALIAS unroll::unroll_static)
endif()
]])
install(FILES ${PROJECT_BINARY_DIR}/unroll-config.cmake DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/unroll-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/unroll-config-version.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/unroll)
# Relative to where unroll.pc lies, so that an installed copy may be moved, or installed elsewhere than was configured.
file(RELATIVE_PATH UNROLL_PREFIX_FROM_PC /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/unroll.pc.in ${PROJECT_BINARY_DIR}/unroll.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/unroll.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/cells ${PROJECT_SOURCE_DIR}/nets DESTINATION ${CMAKE_INSTALL_DATADIR}/unroll)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS)

# `cmake --build build --target uninstall` removes the files of the last install.
file(WRITE ${PROJECT_BINARY_DIR}/uninstall.cmake [[
if(NOT EXISTS "${MANIFEST}")
  message(FATAL_ERROR "nothing was installed from here: ${MANIFEST} is not there")
endif()
file(STRINGS "${MANIFEST}" files)
foreach(file ${files})
  message(STATUS "removing $ENV{DESTDIR}${file}")
  file(REMOVE "$ENV{DESTDIR}${file}")
endforeach()
]])
add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -DMANIFEST=${PROJECT_BINARY_DIR}/install_manifest.txt
  -P ${PROJECT_BINARY_DIR}/uninstall.cmake VERBATIM)
