# Puts every cells/*.cell and nets/*.net into room_lang as the tables lang_cells[] and lang_nets[] of lang.h. The same file is the
# script that writes the C source at build time: `cmake -DOUT=... -DROOT=... -P builtins.cmake`. Texts become byte arrays, so that
# no character of them means anything to CMake or C.
if(CMAKE_SCRIPT_MODE_FILE)
  function(write_table table folder extension)
    file(GLOB files RELATIVE ${ROOT}/${folder} ${ROOT}/${folder}/*.${extension})
    set(names "")
    foreach(file IN LISTS files)
      string(REGEX REPLACE "\\.${extension}$" "" name "${file}")
      list(APPEND names ${name})
    endforeach()
    list(SORT names COMPARE STRING CASE SENSITIVE)
    set(texts "")
    set(rows "")
    foreach(name IN LISTS names)
      file(READ ${ROOT}/${folder}/${name}.${extension} bytes HEX)
      string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
      string(MAKE_C_IDENTIFIER "${table}_${name}" id)
      string(APPEND texts "static const unsigned char ${id}[] = {${bytes}0};\n")
      string(APPEND rows "    {\"${name}\", \"${folder}/${name}.${extension}\", (const char *)${id}},\n")
    endforeach()
    set(source "${source}${texts}const builtin ${table}[] = {\n${rows}    {NULL, NULL, NULL},\n};\n" PARENT_SCOPE)
  endfunction()
  set(source "/* Written by cmake/builtins.cmake from cells/ and nets/. */\n#include <stddef.h>\n#include \"lang/lang.h\"\n")
  write_table(lang_cells cells cell)
  write_table(lang_nets nets net)
  file(WRITE ${OUT} "${source}")
  return()
endif()

get_target_property(lang_type room_lang TYPE)
if(NOT lang_type STREQUAL INTERFACE_LIBRARY)
  file(GLOB builtin_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cells/*.cell ${PROJECT_SOURCE_DIR}/nets/*.net)
  set(builtin_source ${PROJECT_BINARY_DIR}/builtins.c)
  add_custom_command(
    OUTPUT ${builtin_source}
    COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DOUT=${builtin_source} -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${builtin_files} ${CMAKE_CURRENT_LIST_FILE}
    COMMENT "Writing the built-in cells and nets"
    VERBATIM)
  target_sources(room_lang PRIVATE ${builtin_source})
endif()
