"""What happens on a machine: processes, snapshots, environments, compute targets."""
