# The Debian packages that ./dev package makes, with cpack: coco-fleet-deployer (component runtime) and
# coco-fleet-deployer-dev (component development).

set(DEPLOYER_PACKAGE_MAINTAINER "the coco-fleet-deployer authors <coco-fleet-deployer@packages.example>" CACHE STRING
    "Whom the packages name as their maintainer")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME coco-fleet-deployer)
set(CPACK_PACKAGE_VENDOR "the coco-fleet-deployer authors")
set(CPACK_PACKAGE_CONTACT "${DEPLOYER_PACKAGE_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)

# Adds the files that only the packages have, and removes the RUNPATH of binaries.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/stage.cmake)
set(CPACK_DEPLOYER_SOURCE_DIR ${PROJECT_SOURCE_DIR})

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME coco-fleet-deployer)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "keeps a cluster at the state that a repository declares
The repository holds a list of services and their systemd unit files; the
deployer creates, updates, scales and removes units until the cluster is the
same. New versions go node by node where a service asks for it, and stop or go
back when a node does not become ready. Where the state comes from, where units
run and how health is judged are plugins; there are ones for GitHub, for web
servers, for local files and for fleet.

The service is neither enabled nor started by installing it: which repository
goes to which cluster has to be written into
/etc/coco-fleet-deployer/deployer.yaml first.")
# Creates the system user of the service.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
# The shlibs file lets packages of plugins depend on this one. It is not made by CPack, which would complain about every
# plugin.
set(deployer_control_files conffiles postinst postrm prerm triggers)
list(TRANSFORM deployer_control_files PREPEND ${PROJECT_SOURCE_DIR}/cmake/debian/)
configure_file(cmake/debian/shlibs.in shlibs @ONLY)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${deployer_control_files} ${PROJECT_BINARY_DIR}/shlibs)

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME coco-fleet-deployer-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SOURCE coco-fleet-deployer)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "keeps a cluster at the state that a repository declares - plugin SDK
Headers, library, CMake package and pkg-config file for plugins of your own for
coco-fleet-deployer: sources of the wanted state, targets where units run,
caches and health checks. They are C++20.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "cmake, pkgconf")
# The development package depends on exactly the same version of the runtime package.
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS runtime)

include(CPack)
