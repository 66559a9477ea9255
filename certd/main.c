/* SPDX-License-Identifier: ISC */
/* postern-certd certd LOG-FORMAT: started by postern(8) and posternctl(8), never by hand. */
#include <stddef.h>

#include "certd/certd.h"
#include "certd/memory.h"

int
main(int argc, char **argv)
{
	static const struct child_role *const roles[] = {&certd_role, NULL};

	memory_init();
	child_main(argc, argv, roles);
}
