/* SPDX-License-Identifier: ISC */
/* postern-worker ROLE LOG-FORMAT: started by the master, never by hand. */
#include "worker/roles.h"

int
main(int argc, char **argv)
{
	child_main(argc, argv, worker_roles);
}
