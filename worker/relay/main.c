/* SPDX-License-Identifier: ISC */
/*
 * postern-relay relay LOG-FORMAT: started by the master, never by hand. A program of its own,
 * because it speaks TLS and DNS with strangers: nobody else needs these libraries, nor connect(2).
 */
#include "worker/roles.h"

int
main(int argc, char **argv)
{
	static const struct child_role *const roles[] = {&relay_role, NULL};

	child_main(argc, argv, roles);
}
