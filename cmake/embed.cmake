# embed(ROOM FOLDER TABLE): the files of src/FOLDER become part of room_ROOM as the table TABLE[] of report/files.h, so that the program
# needs none of them. The same file is the script that writes the C source at build time: `cmake -DOUT=... -DROOT=... -DTABLE=... -P`.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB files RELATIVE ${ROOT} ${ROOT}/*)
  list(SORT files)
  set(source "/* Written by cmake/embed.cmake. */\n#include \"report/files.h\"\n")
  set(rows "")
  foreach(file IN LISTS files)
    file(READ ${ROOT}/${file} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(MAKE_C_IDENTIFIER "${TABLE}_${file}" id)
    string(APPEND source "static const unsigned char ${id}[] = {${bytes}0};\n")
    string(APPEND rows "    {\"${file}\", (const char *)${id}, sizeof ${id} - 1},\n")
  endforeach()
  file(WRITE ${OUT} "${source}const embedded_file ${TABLE}[] = {\n${rows}    {NULL, NULL, 0},\n};\n")
  return()
endif()

function(embed room folder table)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*)
  set(out ${PROJECT_BINARY_DIR}/${table}.c)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR}/src/${folder} -DOUT=${out} -DTABLE=${table} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Writing ${table}"
    VERBATIM)
  target_sources(room_${room} PRIVATE ${out})
endfunction()
embed(report report/page report_files)
embed(serve serve/page serve_files)
