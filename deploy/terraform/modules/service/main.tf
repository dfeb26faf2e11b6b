# The silos: one task each, found by one another through the warehouse, under the addresses of their own network interfaces.

resource "aws_security_group" "silo" {
  name        = "${var.name}-silo"
  description = "Silos of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "silo_to_silo" {
  for_each                     = { silo = var.ports.silo, gateway = var.ports.gateway }
  security_group_id            = aws_security_group.silo.id
  description                  = "Silos to silos: ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.silo.id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = merge([for name, id in var.client_security_group_ids : {
    "${name}-gateway" = { port = var.ports.gateway, group = id }
    "${name}-http"    = { port = var.ports.http, group = id }
  }]...)
  security_group_id            = aws_security_group.silo.id
  description                  = "Clients: ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = each.value.group
}

resource "aws_vpc_security_group_egress_rule" "silo_to_silo" {
  for_each                     = { silo = var.ports.silo, gateway = var.ports.gateway }
  security_group_id            = aws_security_group.silo.id
  description                  = "Silos to silos: ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.silo.id
}

resource "aws_vpc_security_group_egress_rule" "aws" {
  security_group_id = aws_security_group.silo.id
  description       = "S3, Glue, Secrets Manager, STS, ECR, CloudWatch Logs"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "kafka" {
  security_group_id = aws_security_group.silo.id
  description       = "Kafka brokers"
  ip_protocol       = "tcp"
  from_port         = var.kafka_ports[0]
  to_port           = var.kafka_ports[1]
  cidr_ipv4         = var.kafka_cidr
}

resource "aws_ecs_task_definition" "silo" {
  family                   = var.name
  network_mode             = "awsvpc" # a silo is reached at its task's own address
  requires_compatibilities = [var.launch_type]
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = var.task_role_arn
  execution_role_arn       = var.execution_role_arn
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([{
    name                   = "silo"
    image                  = var.image
    essential              = true
    command                = ["run", "--config", "env:LAKE_CONFIG"]
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true }
    # SIGTERM: partitions are given up, files closed and committed, the rest handed over. The silo takes 45 s at most.
    stopTimeout  = 90
    portMappings = [for name, port in var.ports : { name = name, containerPort = port, hostPort = port, protocol = "tcp" }]
    mountPoints  = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    ulimits      = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
    environment  = [{ name = "LAKE_CONFIG", value = var.config_json }]
    secrets      = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
    healthCheck = {
      command     = ["CMD", "dotnet", "OrleansLake.Silo.dll", "health", "--url", "http://127.0.0.1:${var.ports.http}/health/live"]
      interval    = 30
      timeout     = 10
      retries     = 3
      startPeriod = 60
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = var.log_group
        awslogs-region        = var.region
        awslogs-stream-prefix = "silo"
        mode                  = "non-blocking" # a log that is slow must not hold up rows
        max-buffer-size       = "8m"
      }
    }
  }])
}

resource "aws_ecs_service" "silo" {
  name                               = var.name
  cluster                            = var.cluster_arn
  task_definition                    = aws_ecs_task_definition.silo.arn
  desired_count                      = var.silos.desired
  launch_type                        = var.capacity_provider == null ? var.launch_type : null
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = var.deployment_percent
  propagate_tags                     = "SERVICE"
  enable_ecs_managed_tags            = true
  tags                               = var.tags

  dynamic "capacity_provider_strategy" {
    for_each = var.capacity_provider == null ? [] : [var.capacity_provider]
    content {
      capacity_provider = capacity_provider_strategy.value
      weight            = 1
    }
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.silo.id]
    assign_public_ip = var.assign_public_ip
  }

  # Fargate spreads over availability zones by itself.
  dynamic "ordered_placement_strategy" {
    for_each = var.capacity_provider == null ? [] : [1]
    content {
      type  = "spread"
      field = "attribute:ecs.availability-zone"
    }
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  lifecycle {
    ignore_changes = [desired_count] # scaling decides
  }
}

# As many at least as at most: nothing to scale.
resource "aws_appautoscaling_target" "silos" {
  count              = var.silos.min < var.silos.max ? 1 : 0
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster_name}/${aws_ecs_service.silo.name}"
  min_capacity       = var.silos.min
  max_capacity       = var.silos.max
}

# Records behind the topics' ends for each silo, so that the figure falls as silos come.
resource "aws_appautoscaling_policy" "lag" {
  count              = length(aws_appautoscaling_target.silos)
  name               = "${var.name}-lag"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.silos[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.silos[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.silos[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.lag_per_silo
    scale_out_cooldown = 180 # topic-partitions have moved by then
    scale_in_cooldown  = 900

    customized_metric_specification {
      metrics {
        id          = "lag"
        return_data = false
        metric_stat {
          stat = "Sum"
          metric {
            namespace   = "OrleansLake"
            metric_name = "Lag"
            dimensions {
              name  = "Cluster"
              value = var.name
            }
          }
        }
      }
      metrics {
        id          = "silos"
        return_data = false
        metric_stat {
          stat = "Average"
          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"
            dimensions {
              name  = "ClusterName"
              value = var.cluster_name
            }
            dimensions {
              name  = "ServiceName"
              value = aws_ecs_service.silo.name
            }
          }
        }
      }
      metrics {
        id          = "each"
        label       = "Lag of each silo"
        expression  = "lag / silos"
        return_data = true
      }
    }
  }
}

output "service_name" {
  value = aws_ecs_service.silo.name
}

output "security_group_id" {
  value = aws_security_group.silo.id
}
