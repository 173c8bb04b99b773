# coco_deployer_add_plugin(NAME SOURCES file… [LIBRARIES lib…] [NO_INSTALL] [OUTPUT_DIR dir])
#
# Builds NAME.so as the plugin host requires (rule R3): hidden visibility, every symbol resolved at link time, and a
# version script that exports exactly one symbol. So no plugin author has to know these flags. NAME is the name in
# DEPLOYER_PLUGIN and in a configuration.
function(coco_deployer_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "NO_INSTALL" "OUTPUT_DIR" "SOURCES;LIBRARIES")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "coco_deployer_add_plugin(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT arg_SOURCES)
        message(FATAL_ERROR "coco_deployer_add_plugin(${name}): no SOURCES")
    endif()
    if(NOT arg_OUTPUT_DIR)
        set(arg_OUTPUT_DIR ${CMAKE_BINARY_DIR}/lib/coco-fleet-deployer/plugins)
    endif()
    set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
    add_library(${name} MODULE ${arg_SOURCES})
    target_compile_features(${name} PRIVATE cxx_std_20)
    target_link_libraries(${name} PRIVATE CocoDeployer::sdk ${arg_LIBRARIES})
    if(TARGET deployer_options)
        target_link_libraries(${name} PRIVATE deployer_options)
    endif()
    if(TARGET deployer_poco_headers AND "Poco::Foundation" IN_LIST arg_LIBRARIES)
        target_precompile_headers(${name} REUSE_FROM deployer_poco_headers)
    elseif(TARGET deployer_headers)
        target_precompile_headers(${name} REUSE_FROM deployer_headers)
    endif()
    target_link_options(${name} PRIVATE -Wl,-z,defs -Wl,--version-script=${map})
    set_target_properties(${name} PROPERTIES
        PREFIX "" SUFFIX ".so"
        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
        LIBRARY_OUTPUT_DIRECTORY ${arg_OUTPUT_DIR}
        LINK_DEPENDS ${map}
        # Use the RUNPATH of the installation from the start: CMake may pad a build RUNPATH with an empty element, which
        # means the current directory.
        INSTALL_RPATH "$ORIGIN/../.." BUILD_WITH_INSTALL_RPATH ON)
    if(NOT arg_NO_INSTALL)
        install(TARGETS ${name} LIBRARY DESTINATION lib/coco-fleet-deployer/plugins COMPONENT runtime)
    endif()
endfunction()

# coco_deployer_check_plugin(NAME SETTINGS file)
#
# Adds a test for ctest: whether the plugin keeps the contract of its kind. `file` holds the settings that the plugin is
# created with (docs/PLUGINS.md).
function(coco_deployer_check_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "SETTINGS" "")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SETTINGS)
        message(FATAL_ERROR "coco_deployer_check_plugin(${name}): it takes SETTINGS and a file, and nothing else")
    endif()
    get_filename_component(settings ${arg_SETTINGS} ABSOLUTE)
    add_test(NAME "${name} keeps the contract"
             COMMAND CocoDeployer::coco-fleet-deployer plugin check $<TARGET_FILE:${name}> --settings ${settings})
endfunction()
