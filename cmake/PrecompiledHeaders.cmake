# Headers of the standard library and of Catch2 are most of what the compiler reads for one of our files. Where
# DEPLOYER_PCH is on (the presets set it), each build reads them once. The lists hold no header of ours: a change of ours
# would compile everything again. A file still includes what it uses; clang-tidy, which gets no precompiled header, tells
# when it does not.

# deployer_precompiled_headers(NAME HEADERS header… [LIBRARIES lib…] [OPTIONS option…]): a target whose headers others reuse. They have to
# be compiled with the same options and the same libraries' definitions.
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

# deployer_reuse_headers(TARGET NAME): a no-op where nothing is precompiled.
function(deployer_reuse_headers target name)
    if(TARGET ${name})
        target_precompile_headers(${target} REUSE_FROM ${name})
    endif()
endfunction()

# Few, on purpose: reading a large precompiled header (Poco, streams) takes as long as it saves.
set(deployer_common_headers <algorithm> <chrono> <functional> <map> <memory> <optional> <set> <string> <string_view> <vector>)
