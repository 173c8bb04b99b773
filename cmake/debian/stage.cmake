# cpack runs this after it has installed the components and before it packs them. The script turns each component into
# the contents of a Debian package. All files get the time of SOURCE_DATE_EPOCH, so that the same sources give the same
# packages.

cmake_policy(VERSION 3.22)
if("$ENV{SOURCE_DATE_EPOCH}" STREQUAL "")
    message(FATAL_ERROR "SOURCE_DATE_EPOCH is not set; ./dev package sets it")
endif()

set(source ${CPACK_DEPLOYER_SOURCE_DIR})
set(runtime ${CPACK_TEMPORARY_DIRECTORY}/runtime)
set(development ${CPACK_TEMPORARY_DIRECTORY}/development)
set(doc ${runtime}/usr/share/doc/coco-fleet-deployer)

function(run)
    execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# put(FROM TO [MODE]): copies a file to a new name
function(put from to)
    configure_file(${from} ${to} COPYONLY FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

# Binaries need no RUNPATH, because the loader searches /usr/lib anyway.
file(GLOB_RECURSE binaries ${runtime}/usr/bin/* ${runtime}/usr/lib/*.so ${runtime}/usr/lib/*.so.* ${development}/usr/lib/*.so)
foreach(binary IN LISTS binaries)
    if(NOT IS_SYMLINK ${binary})
        file(RPATH_REMOVE FILE ${binary})
    endif()
endforeach()

put(${source}/etc/deployer.service ${runtime}/usr/lib/systemd/system/deployer.service)
put(${source}/etc/production.yaml ${runtime}/etc/coco-fleet-deployer/deployer.yaml)
put(${source}/etc/sysusers.conf ${runtime}/usr/lib/sysusers.d/coco-fleet-deployer.conf)

# Pages and samples keep the layout of the sources, so that the links between them stay valid.
file(GLOB pages RELATIVE ${source} ${source}/README.md ${source}/docs/*.md ${source}/plugins/*/README.md)
file(GLOB_RECURSE samples RELATIVE ${source} ${source}/etc/*)
foreach(file IN LISTS pages samples ITEMS Dockerfile)
    put(${source}/${file} ${doc}/${file})
endforeach()

# Other links of the pages get the file's place in the package; a link to a file that only the sources have becomes text.
foreach(page IN LISTS pages)
    file(READ ${doc}/${page} text)
    string(REGEX REPLACE "(\\]\\()(\\.\\./)*examples([/)#])" "\\1/usr/share/coco-fleet-deployer/examples\\3" text "${text}")
    string(REGEX REPLACE "(\\]\\()(\\.\\./)*engine/include([/)#])" "\\1/usr/include\\3" text "${text}")
    string(REGEX REPLACE "(\\]\\()(\\.\\./)*LICENSE\\)" "\\1/usr/share/doc/coco-fleet-deployer/copyright)" text "${text}")
    string(REGEX REPLACE "\\[([^]]*)\\]\\((\\.\\./)*tests/[^)]*\\)" "\\1" text "${text}")
    file(WRITE ${doc}/${page} "${text}")
endforeach()
# Authors copy the examples to another place, so their links must not be relative to the package.
file(GLOB readmes ${development}/usr/share/coco-fleet-deployer/examples/*/README.md)
foreach(readme IN LISTS readmes)
    file(READ ${readme} text)
    string(REGEX REPLACE "(\\]\\()\\.\\./\\.\\./" "\\1/usr/share/doc/coco-fleet-deployer/" text "${text}")
    file(WRITE ${readme} "${text}")
endforeach()

file(READ ${source}/LICENSE license)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]*)" ignored "${license}")
set(copyright_holder "${CMAKE_MATCH_1}")
string(REGEX REPLACE "^.*Permission is" "Permission is" license "${license}")
string(STRIP "${license}" license)
string(REPLACE "\n\n" "\n.\n" license "${license}")
string(REPLACE "\n" "\n " license "${license}")
file(WRITE ${doc}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: ${copyright_holder}
License: Expat
 ${license}
")

set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${doc}/changelog.Debian "coco-fleet-deployer (${version}) unstable; urgency=medium

  * Version ${CPACK_PACKAGE_VERSION}; changelog.gz tells what is new in it.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
put(${source}/CHANGELOG.md ${doc}/changelog)
put(${source}/cmake/debian/coco-fleet-deployer.1 ${runtime}/usr/share/man/man1/coco-fleet-deployer.1)
run(gzip -9nf ${doc}/changelog ${doc}/changelog.Debian ${runtime}/usr/share/man/man1/coco-fleet-deployer.1)
# The list of linked software is not below /usr/share/doc, because small images leave that directory out.
set(shared usr/share/coco-fleet-deployer)
file(MAKE_DIRECTORY ${runtime}/${shared})
run(${source}/cmake/debian/sbom coco-fleet-deployer ${version} ${runtime} OUTPUT_FILE ${runtime}/${shared}/sbom.cdx.json)
run(${source}/cmake/debian/sbom coco-fleet-deployer-dev ${version} ${development} ${runtime}
    OUTPUT_FILE ${development}/${shared}/sbom-dev.cdx.json)
file(CREATE_LINK ../../coco-fleet-deployer/sbom.cdx.json ${doc}/sbom.cdx.json SYMBOLIC)

# The development package depends on the same version of the runtime package, so it links to that package's pages.
file(MAKE_DIRECTORY ${development}/usr/share/doc)
file(CREATE_LINK coco-fleet-deployer ${development}/usr/share/doc/coco-fleet-deployer-dev SYMBOLIC)

foreach(name coco-fleet-deployer coco-fleet-deployer-dev)
    set(root ${runtime})
    if(name MATCHES "-dev$")
        set(root ${development})
    endif()
    if(EXISTS ${source}/cmake/debian/${name}.lintian-overrides)
        put(${source}/cmake/debian/${name}.lintian-overrides ${root}/usr/share/lintian/overrides/${name})
    endif()
    run(find ${root} -type d -exec chmod 755 {} +)
    run(find ${root} -type f -exec chmod go-w {} +)
    run(find ${root} -exec touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH} {} +)
endforeach()
