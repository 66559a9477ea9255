/* SPDX-License-Identifier: ISC */
/*
 * postern-certd certd LOG-FORMAT: started by postern(8) and posternctl(8), never by hand.
 * postern-certd importer LOG-FORMAT: started by the former.
 */
#include <stddef.h>
#include <string.h>

#include "certd/certd.h"
#include "certd/memory.h"

int
main(int argc, char **argv)
{
	static const struct child_role *const roles[] = {&certd_role, &importer_role, NULL};

	memory_init(argc < 2 || strcmp(argv[1], importer_role.name) != 0);
	child_main(argc, argv, roles);
}
