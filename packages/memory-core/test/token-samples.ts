/** Texts of the kinds that agents exchange, from which the error of `estimateTokens` is measured. */
export const TOKEN_SAMPLES: Readonly<Record<string, readonly string[]>> = {
  "English prose": [
    "The drive trips with F0002 every morning, right after the conveyor starts. I have already checked the supply voltage, and it is within the limits that the manual gives. Could it be the ramp-down time? Somebody changed the parameters last week, but nobody wrote down which ones.",
    "An overvoltage on the DC link usually means that the motor feeds energy back faster than the drive can get rid of it. Lengthen the ramp-down time first, because that costs nothing; if the load still overhauls the motor, fit a braking resistor. Measure the supply while the fault occurs, not before.",
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was the spring of hope, it was the winter of despair.",
    "Hi! Thanks for getting back to me so quickly. I'd like to move my appointment from Thursday to Friday afternoon, if that's still possible. Also, please send the invoice to our new address: 14 Mill Lane, Cambridge. Let me know if you need anything else from my side. Best wishes, Ada",
    "You are a maintenance assistant. Answer briefly and precisely. Never recommend opening the cabinet before the drive has been isolated and its DC link has discharged. When you are not sure, say so and ask for the missing measurement. Cite the section of the manual that you rely on.",
  ],
  code: [
    "export async function retry<T>(work: () => Promise<T>, attempts = 3): Promise<T> {\n  for (let attempt = 1; ; attempt++) {\n    try {\n      return await work();\n    } catch (error) {\n      if (attempt >= attempts) throw error;\n      await new Promise((resolve) => setTimeout(resolve, 2 ** attempt * 100));\n    }\n  }\n}\n",
    'def moving_average(values, window):\n    """Yield the mean of each window of consecutive values."""\n    total = sum(values[:window])\n    yield total / window\n    for index in range(window, len(values)):\n        total += values[index] - values[index - window]\n        yield total / window\n\n\nif __name__ == "__main__":\n    print(list(moving_average([1, 2, 3, 4, 5], 3)))\n',
    "SELECT s.session_id, s.user_id, count(*) AS messages, max(m.created_at) AS last_active\nFROM session_heads AS s\nJOIN session_memories AS m ON m.session_id = s.session_id\nWHERE s.user_id = $1 AND m.memory_type IN ('message_user', 'message_assistant')\nGROUP BY s.session_id, s.user_id\nORDER BY last_active DESC\nLIMIT 50;\n",
    '<section class="card">\n  <h2 id="drive">Drive 7</h2>\n  <ul>\n    <li><a href="/faults/F0002">F0002</a> <span class="count">12</span></li>\n    <li><a href="/faults/F0030">F0030</a> <span class="count">3</span></li>\n  </ul>\n  <button type="button" disabled>Reset</button>\n</section>\n',
    '#include <stdio.h>\n\nstatic int clamp(int value, int low, int high) {\n\treturn value < low ? low : value > high ? high : value;\n}\n\nint main(void) {\n\tfor (int i = -5; i <= 15; i += 5) {\n\t\tprintf("%d -> %d\\n", i, clamp(i, 0, 10));\n\t}\n\treturn 0;\n}\n',
  ],
  "JSON of tools": [
    '{"drive":"D7","fault":"F0002","count":12,"firstSeen":"2025-03-04T06:12:44.000Z","lastSeen":"2025-03-11T06:14:02.000Z","dcLinkVolts":[612.4,688.1,742.9,801.3],"acknowledged":false}',
    '{"results":[{"id":"0195a7c2-4f3e-7b10-8a55-3c0d9e6f1a20","score":0.8731,"title":"Overvoltage on ramp-down","section":"5.3.2"},{"id":"0195a7c2-4f3e-7b10-8a55-3c0d9e6f1a21","score":0.8412,"title":"Braking resistor sizing","section":"7.1"}],"total":2}',
    '{"city":"Hamburg","units":"metric","current":{"temperature":7.4,"feelsLike":3.9,"humidity":81,"windSpeed":6.2,"windDirection":240,"condition":"light rain"},"hourly":[{"time":"14:00","temperature":7.6},{"time":"15:00","temperature":7.1},{"time":"16:00","temperature":6.8}]}',
    '[{"parameter":"P1121","name":"Ramp-down time","value":2.5,"unit":"s","factory":10},{"parameter":"P1240","name":"Vdc controller","value":0,"unit":null,"factory":1},{"parameter":"P1254","name":"Auto-detect Vdc switch-on","value":1,"unit":null,"factory":1}]',
    '{\n  "order": {\n    "number": "A-10293",\n    "customer": "Müller & Sons",\n    "lines": [\n      { "sku": "BR-220-75", "quantity": 1, "price": 149.9 },\n      { "sku": "CBL-16-25", "quantity": 4, "price": 12.35 }\n    ],\n    "paid": true\n  }\n}',
  ],
  German: [
    "Der Umrichter fällt jeden Morgen mit F0002 aus, gleich nachdem das Förderband anläuft. Die Versorgungsspannung habe ich schon geprüft, sie liegt innerhalb der Grenzen aus dem Handbuch. Kann es an der Rücklaufzeit liegen? Letzte Woche hat jemand die Parameter geändert, aber niemand hat aufgeschrieben, welche.",
    "Eine Überspannung im Zwischenkreis bedeutet meistens, dass der Motor schneller Energie zurückspeist, als der Umrichter abführen kann. Verlängern Sie zuerst die Rücklaufzeit, denn das kostet nichts. Wenn die Last den Motor dann immer noch antreibt, bauen Sie einen Bremswiderstand ein.",
    "Guten Tag, vielen Dank für Ihre schnelle Antwort. Ich möchte meinen Termin gerne von Donnerstag auf Freitagnachmittag verschieben, falls das noch möglich ist. Bitte schicken Sie die Rechnung an unsere neue Anschrift: Mühlenstraße 14, 20459 Hamburg. Mit freundlichen Grüßen",
    "Die Sicherheitsunterweisung für Wartungsarbeiten an Schaltanlagen ist jährlich zu wiederholen. Vor dem Öffnen des Schaltschranks ist die Anlage spannungsfrei zu schalten, gegen Wiedereinschalten zu sichern und die Spannungsfreiheit festzustellen.",
  ],
  Chinese: [
    "变频器每天早上在输送带启动之后就报F0002故障。我已经检查过电源电压，数值在手册规定的范围之内。会不会是减速时间的问题？上周有人修改过参数，但是没有人记录改了哪些。",
    "直流母线过电压通常意味着电动机回馈能量的速度超过了变频器能够消耗的速度。首先延长减速时间，因为这不需要任何费用；如果负载仍然拖动电动机，就加装制动电阻。请在故障发生的时候测量电源电压。",
    "您好，谢谢您这么快回复我。如果还来得及的话，我想把预约从星期四改到星期五下午。另外，请把发票寄到我们的新地址：上海市浦东新区世纪大道100号。祝好！",
    "機器在每次重新啟動之後都會顯示錯誤訊息，請協助確認是否需要更換零件，並且提供維修的報價與預計完成的時間。",
  ],
  Japanese: [
    "インバータが毎朝、コンベヤの起動直後にF0002で停止します。電源電圧は確認しましたが、マニュアルの範囲内でした。減速時間が原因でしょうか。先週、誰かがパラメータを変更しましたが、記録が残っていません。",
    "直流中間回路の過電圧は、多くの場合、モータから戻るエネルギーをインバータが処理しきれないことを意味します。まず減速時間を長くしてください。それでも負荷がモータを回す場合は、制動抵抗器を取り付けてください。",
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。",
    "お世話になっております。早速のご返信ありがとうございます。可能でしたら、予約を木曜日から金曜日の午後に変更していただけますでしょうか。よろしくお願いいたします。",
  ],
  "Korean, Russian, Arabic, Hindi": [
    "인버터가 매일 아침 컨베이어가 시작된 직후에 F0002 오류로 멈춥니다. 전원 전압은 이미 확인했고 설명서의 범위 안에 있습니다. 감속 시간이 원인일까요? 지난주에 누군가 매개변수를 바꿨지만 기록이 없습니다.",
    "Преобразователь каждое утро отключается с ошибкой F0002 сразу после запуска конвейера. Напряжение питания я уже проверил, оно в пределах, указанных в руководстве. Может быть, дело во времени торможения? На прошлой неделе кто-то менял параметры.",
    "يتوقف محرك التردد كل صباح مع العطل F0002 مباشرة بعد تشغيل الناقل. لقد فحصت جهد التغذية وهو ضمن الحدود المذكورة في الدليل. هل يمكن أن يكون السبب هو زمن التباطؤ؟",
    "हर सुबह कन्वेयर चालू होने के तुरंत बाद ड्राइव F0002 के साथ बंद हो जाती है। मैंने आपूर्ति वोल्टेज पहले ही जाँच लिया है और वह सीमा के भीतर है। क्या इसका कारण मंदन समय हो सकता है?",
  ],
  emoji: [
    "Great news 🎉🎉 the line is running again! 🚀 Thanks everyone 🙏😊 See you tomorrow 👋",
    "😀😃😄😁😆😅😂🤣🥲☺️😊😇🙂🙃😉😌😍🥰😘😗😙😚😋😛😝😜🤪🤨🧐🤓😎",
    "👩‍🔧 checked the motor ✅, 👨‍💻 updated the firmware ✅, 🧯 safety walk ❌ (moved to Monday 📅)",
    "⚠️ Do not open ⚠️ 🔌 unplug first 🔌 ⏳ wait five minutes ⏳ 🔧 then start 🔧",
  ],
  "ids and hashes": [
    "0195a7c2-4f3e-7b10-8a55-3c0d9e6f1a20 0195a7c2-4f3e-7b10-8a55-3c0d9e6f1a21 0195a7c2-4f3e-7b10-8a55-3c0d9e6f1a22",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 git 5675bfe4c0a1d9e8b7f6a5c4d3e2f1a0b9c8d7e6",
    "sha512-gTIcMJNBs0UtrZ4ryX4a1cVMFSZp2vQdYPjdJkWmS5hLkFNWZz4K8w0bXoqfAGRj3T9nYt2cEo1lVuHs6BiD7g== eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
  ],
};
