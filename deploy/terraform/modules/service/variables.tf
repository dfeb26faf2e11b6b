variable "name" { type = string }
variable "region" { type = string }
variable "cluster_arn" { type = string }
variable "cluster_name" { type = string }
variable "image" { type = string }
variable "config_json" { type = string }
variable "secrets" { type = map(string) }
variable "ports" { type = object({ silo = number, gateway = number, http = number }) }
variable "vpc_id" { type = string }
variable "subnet_ids" { type = list(string) }
variable "assign_public_ip" { type = bool }
variable "client_security_group_ids" { type = map(string) }
variable "kafka_ports" { type = list(number) }
variable "kafka_cidr" { type = string }
variable "launch_type" { type = string }
variable "capacity_provider" { type = string }
variable "architecture" { type = string }
variable "cpu" { type = number }
variable "memory" { type = number }
variable "silos" { type = object({ min = number, desired = number, max = number }) }
variable "deployment_percent" { type = number }
variable "lag_per_silo" { type = number }
variable "task_role_arn" { type = string }
variable "execution_role_arn" { type = string }
variable "log_group" { type = string }
variable "tags" { type = map(string) }
