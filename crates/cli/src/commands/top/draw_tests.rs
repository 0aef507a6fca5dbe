use athanor_api::wire::{GpuWork, Gpus, IdleMemory, Load, Vendor};

use super::*;

fn value<T>(value: T) -> Reading<T> {
    Reading::Value { value }
}

fn process(pid: u32, memory: u64, owner: &str, command: &str) -> GpuProcess {
    GpuProcess {
        pid,
        memory: value(memory),
        utilisation: Reading::Unsupported {},
        work: GpuWork::Compute,
        owner: Some(owner.into()),
        own: false,
        name: Some("python".into()),
        command: Some(command.into()),
        started_at: Some(0),
        experiment: (owner == "me").then(|| "20261121_7e3a".into()),
    }
}

fn gpu(index: u32, utilisation: u32, processes: Vec<GpuProcess>) -> Gpu {
    Gpu {
        index,
        uuid: format!("GPU-{index}"),
        name: "NVIDIA H100 80GB HBM3".into(),
        vendor: Vendor::Nvidia,
        pci: None,
        fault: None,
        mig: Mig::Off {},
        utilisation: value(utilisation),
        memory_utilisation: Reading::Unsupported {},
        memory_used: value(u64::from(utilisation) << 29),
        memory_total: value(80 << 30),
        temperature: value(61),
        fan: Reading::Unsupported {},
        clock: Reading::Failed { message: "gone".into() },
        memory_clock: Reading::Unsupported {},
        power: value(312.4),
        power_limit: value(700.0),
        energy: Reading::Unsupported {},
        idle_memory: None,
        processes: Some(value(processes)),
    }
}

fn sample(list: Vec<Gpu>) -> DeviceSample {
    DeviceSample {
        at: 0,
        pace_ms: 1000,
        host: "box".into(),
        cpu: value(37.0),
        per_core: Reading::Unsupported {},
        cores: 16,
        load: value(Load { one: 1.5, five: 1.0, fifteen: 0.5 }),
        memory_used: value(24 << 30),
        memory_total: value(128 << 30),
        swap_used: value(0),
        swap_total: value(0),
        disks: Vec::new(),
        network: Vec::new(),
        temperatures: Vec::new(),
        gpus: Gpus { list, drivers: Vec::new() },
    }
}

fn draw(sample: &DeviceSample, sort: Sort, from: usize, (columns, rows): (usize, usize)) -> Vec<String> {
    let mut past = Past::default();
    past.push(sample);
    let scene = Scene { facts: None, sample, jobs: &[], past: &past, sort, from, now: 0, keys: true };
    frame(&scene, columns, rows).iter().map(Line::plain).collect()
}

fn busy() -> DeviceSample {
    let mut idle = gpu(1, 0, vec![process(300, 4 << 30, "eve", "python notebook.py")]);
    idle.idle_memory = Some(IdleMemory { memory: 4 << 30, idle_ms: 600_000, pids: vec![300] });
    sample(vec![
        gpu(
            0,
            87,
            vec![process(100, 8 << 30, "me", "python train.py"), process(200, 30 << 30, "bob", "vllm serve")],
        ),
        idle,
    ])
}

#[test]
fn the_machine_is_told_in_bars_and_words() {
    let lines = draw(&busy(), Sort::Memory, 0, (100, 24));
    let all = lines.join("\n");
    assert!(lines[0].starts_with("box"), "{all}");
    assert!(all.contains("CPU     [████████████▎"), "{all}");
    assert!(all.contains("37 % of 16 cores") && all.contains("24.0 of 128 GiB"), "{all}");
    assert!(all.contains("0  NVIDIA H100 80GB HBM3") && all.contains("312 of 700 W"), "{all}");
    assert!(all.contains("fan –  ?"), "what is not reported, and what failed, are no 0: {all}");
    assert!(all.contains("20261121_7e3a"), "the job on it: {all}");
    assert!(all.contains("idle for 10 min, and 4.00 GiB held by 300"), "{all}");
    assert_eq!((lines.len(), lines[23].as_str()), (24, "q quit   s sorted by memory   ↑↓ processes"));
}

#[test]
fn processes_are_sorted_and_what_does_not_fit_is_counted() {
    let pids = |sort, from, rows| {
        let lines = draw(&busy(), sort, from, (100, rows));
        let table = lines.iter().skip_while(|line| !line.starts_with("GPU  ")).skip(1);
        let cells = table.filter_map(|line| line.split_whitespace().nth(1)?.parse().ok());
        cells.collect::<Vec<u32>>()
    };
    assert_eq!(pids(Sort::Memory, 0, 24), [200, 100, 300]);
    assert_eq!(pids(Sort::Gpu, 0, 24), [200, 100, 300]);
    assert_eq!(pids(Sort::Owner, 0, 24), [200, 300, 100]);
    assert_eq!(pids(Sort::Memory, 1, 24), [100, 300]);
    assert_eq!(pids(Sort::Memory, 99, 24), [300]);
    let lines = draw(&busy(), Sort::Memory, 0, (100, 14));
    assert!(lines.iter().any(|line| line.trim() == "and 2 more"), "{lines:#?}");
}

#[test]
fn no_size_and_no_name_breaks_it() {
    let mut odd = busy();
    if let Some(Reading::Value { value }) = &mut odd.gpus.list[0].processes {
        value[0].command = Some("漢字 \u{1b}[31m\n🜂🜂🜂 e\u{301}".repeat(40));
        value[1].owner = None;
    }
    for columns in [1, 5, 20, 60, 80, 120, 300] {
        for rows in [1, 2, 5, 24, 200] {
            for sample in [&odd, &sample(Vec::new())] {
                let mut past = Past::default();
                (0..100).for_each(|_| past.push(sample));
                let scene = Scene {
                    facts: None,
                    sample,
                    jobs: &[],
                    past: &past,
                    sort: Sort::Use,
                    from: 0,
                    now: 0,
                    keys: true,
                };
                let lines = frame(&scene, columns, rows);
                assert!(lines.len() <= rows.max(1), "{columns} {rows}");
                for line in &lines {
                    let plain = line.plain();
                    let width: usize = plain.chars().map(columns_of).sum();
                    assert!(
                        width <= columns && !plain.contains('\u{1b}') && !plain.contains('\n'),
                        "{plain}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_trace_has_its_newest_sample_at_the_right() {
    let mut past = Past::default();
    for percent in [0, 50, 100] {
        past.push(&sample(vec![gpu(0, percent, Vec::new())]));
    }
    assert_eq!(past.trace("GPU-0", 5), "  ▁▄█");
    assert_eq!(past.trace("GPU-0", 2), "▄█");
    assert_eq!(past.trace("another", 2), "  ");
}
