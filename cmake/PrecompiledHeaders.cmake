# Most of the text that the compiler reads for one of our files is headers of the standard library and of Catch2. With
# DEPLOYER_PCH (the presets set it), each build reads them only once. The lists contain no headers of this project,
# because a change of such a header would compile everything again. A file still has to include the headers that it uses;
# clang-tidy, which runs without precompiled headers, reports a missing one.

# deployer_precompiled_headers(NAME HEADERS header… [LIBRARIES lib…] [OPTIONS option…]): a target whose precompiled
# headers other targets reuse. Those have to be compiled with the same options and the same libraries' definitions.
function(deployer_precompiled_headers name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;LIBRARIES;OPTIONS")
    set(empty ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
    if(NOT EXISTS ${empty})
        file(WRITE ${empty} "")
    endif()
    add_library(${name} OBJECT ${empty})
    target_compile_options(${name} PRIVATE ${arg_OPTIONS})
    target_link_libraries(${name} PRIVATE deployer_options ${arg_LIBRARIES})
    target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
endfunction()

# deployer_reuse_headers(TARGET NAME): does nothing when the target NAME does not exist.
function(deployer_reuse_headers target name)
    if(TARGET ${name})
        target_precompile_headers(${target} REUSE_FROM ${name})
    endif()
endfunction()

# Only few headers: reading a large precompiled header (Poco, streams) takes as long as it saves.
set(deployer_common_headers <algorithm> <chrono> <functional> <map> <memory> <optional> <set> <string> <string_view> <vector>)
