/* SPDX-License-Identifier: ISC */
/*
 * postern-filter filter LOG-FORMAT: started by the master, never by hand. A program of its own,
 * because it reads strangers' mail with the libraries of DNS and of signatures: nobody else needs
 * both.
 */
#include "worker/roles.h"

int
main(int argc, char **argv)
{
	static const struct child_role *const roles[] = {&filter_role, NULL};

	child_main(argc, argv, roles);
}
