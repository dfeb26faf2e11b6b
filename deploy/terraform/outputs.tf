output "cluster_arn" {
  value = aws_ecs_cluster.this.arn
}

output "service_name" {
  value = module.service.service_name
}

output "security_group_id" {
  description = "Of the silos: brokers and buckets' endpoints must let it in."
  value       = module.service.security_group_id
}

output "task_role_arn" {
  value = module.access.task_role_arn
}

output "log_group" {
  value = aws_cloudwatch_log_group.silo.name
}
